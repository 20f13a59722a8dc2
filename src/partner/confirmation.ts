/**
 * The confirmation of a payment that GET_BILL hands out: one page of PDF 1.4 in the base fonts every reader has, so the text is
 * Vietnamese without diacritics. It is no receipt, and says so.
 */
import { readableLocalTime } from '../domain/vietnam-time.ts'
import type { KnownOrder } from './orders.ts'

const page = { width: 595, height: 842, left: 56, top: 770, lineHeight: 20 } as const
const mostLines = 34

/** ASCII, so its characters are its bytes. */
export function paymentConfirmation(order: KnownOrder, now: Date): string {
  const { invoice, standing } = order
  if (standing.kind !== 'paid') throw new TypeError('only a payment is confirmed')
  const fees = invoice.lines.map(({ name, amount }) => `- ${name}: ${dong(amount)}`)
  const shown = fees.length > mostLines - 14 ? [...fees.slice(0, mostLines - 15), `- ... (${fees.length})`] : fees
  return pdfOf([
    'XAC NHAN THANH TOAN / PAYMENT CONFIRMATION',
    'Khong thay bien lai / Not a receipt',
    '',
    `Co quan thu / Agency: ${invoice.agencyName}`,
    `Ma ho so / Dossier: ${invoice.dossierCode}`,
    `Ma thanh toan / Pay code: ${invoice.payCode}`,
    `Ma tham chieu / Reference: ${order.reference}`,
    `Ma giao dich / Transaction: ${standing.settlementId}`,
    `Thoi diem nop / Paid at: ${readableLocalTime(standing.paidAt)} (GMT+7)`,
    '',
    'Cac khoan da nop / Paid:',
    ...shown,
    `Tong cong / Total: ${dong(order.amount)}`,
    '',
    `Lap luc / Made at: ${readableLocalTime(now)} (GMT+7)`,
  ])
}

function dong(amount: bigint): string {
  return `${amount.toString().replace(/\B(?=(\d{3})+$)/g, '.')} VND`
}

/** Letters without diacritics; whatever is no printable ASCII then becomes a question mark. */
function ascii(text: string): string {
  return text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/đ/g, 'd')
    .replace(/Đ/g, 'D')
    .replace(/[^\x20-\x7e]/g, '?')
}

function pdfOf(lines: readonly string[]): string {
  const text = lines
    .map((line) =>
      ascii(line)
        .slice(0, 90)
        .replace(/[\\()]/g, '\\$&'),
    )
    .map((line) => `(${line}) Tj T*`)
    .join('\n')
  const content = `BT /F1 11 Tf ${page.lineHeight} TL ${page.left} ${page.top} Td\n${text}\nET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${page.width} ${page.height}] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>`,
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  ]
  let file = '%PDF-1.4\n'
  const places = objects.map((object, index) => {
    const at = file.length
    file += `${index + 1} 0 obj\n${object}\nendobj\n`
    return at
  })
  const xref = places.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')
  const size = objects.length + 1
  return `${file}xref\n0 ${size}\n0000000000 65535 f \n${xref}trailer\n<< /Size ${size} /Root 1 0 R >>\nstartxref\n${file.length}\n%%EOF\n`
}
