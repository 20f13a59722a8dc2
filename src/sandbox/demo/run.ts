/**
 * The demo: three fees of realistic dossiers, paid by card, by account with a one-time code and by QR; a duplicate, a tampered,
 * a late and a lost callback; and at the end what the books and the dossier system say.
 */
import { randomInt } from 'node:crypto'
import { businessDate } from '../../domain/vietnam-time.ts'
import { keysOfJwks, verifyCompact } from '../../signing/compact-jws.ts'
import { demoEnvironment } from './clock.ts'
import type { PortalInvoice } from './portal.ts'
import { accounts, agencyCode, type Demo, setUp } from './setup.ts'
import { createTranscript, type Transcript } from './transcript.ts'

const minuteMs = 60_000
const waitMs = 20_000

/** True when everything the transcript claims held. Without `once` it stays up until SIGINT or SIGTERM. */
export async function runDemo({ once }: { once: boolean }): Promise<boolean> {
  const transcript = createTranscript((text) => process.stdout.write(text))
  const environment = demoEnvironment()
  const demo = await setUp(environment)
  try {
    await tell(demo, transcript, environment)
    const { broken } = transcript
    process.stdout.write(
      broken.length === 0
        ? '\nEverything above was checked and held.\n'
        : `\nDID NOT HOLD:\n${broken.map((claim) => `  ✗ ${claim}\n`).join('')}`,
    )
    if (!once) await stayUp(demo)
    return broken.length === 0
  } finally {
    await demo.running.stop()
    await demo.sandbox.close()
  }
}

async function tell(
  demo: Demo,
  transcript: Transcript,
  environment: ReturnType<typeof demoEnvironment>,
): Promise<void> {
  const { running, sandbox, portal } = demo
  const { section, line, check } = transcript
  section('The house')
  line('gateway', running.publicUrl)
  line('PostgreSQL', process.env.DATABASE_URL === undefined ? 'embedded' : 'DATABASE_URL')
  line('Redis', running.redis)
  line(
    'catalogue',
    `${demo.catalogue.procedures} procedures, ${demo.catalogue.rates} rates (ILLUSTRATIVE, no real fees)`,
  )
  sandbox.dossier.secret = (await portal.registerWebhook(sandbox.dossier.webhookUrl)).secret

  const today = businessDate(environment.now()).slice(2).replaceAll('-', '')
  const first = randomInt(1000, 9000)
  const dossier = (offset: number): string => `${agencyCode}-${today}-${first + offset}`
  const issue = (offset: number, procedureCode: string, feeCode: string, more: object = {}): Promise<PortalInvoice> =>
    portal.issue({
      dossierCode: dossier(offset),
      procedureCode,
      collectingAgencyCode: agencyCode,
      collectionMode: 'UPFRONT',
      submitter: { name: 'Nguyễn Văn An' },
      items: [{ feeCode }],
      ...more,
    })

  /** Not while a delivery is under way: it would be signed before and judged stale after. */
  const turnForward = async (ms: number): Promise<void> => {
    await until(async () => (await pendingDeliveries(demo)) === 0n)
    environment.turnForward(ms)
  }

  section('1  Card: the portal issues a fee, the payer pays at VNPAY, VNPAY calls back')
  const card = await issue(0, '2.001195', await feeOf(demo, '2.001195'))
  line('issued', `${card.id}  ${card.dossierCode}  ${vnd(card.total)}  pay code ${card.payCode}`)
  const attempt = await portal.startPayment(card.id, { railAccountId: accounts.vnpay, payerIp: '203.0.113.7' })
  const paid = await sandbox.vnpay.pay(attempt.instruction.url ?? '', 'success')
  const { txnRef, transactionNo } = paid.transaction
  line('callback arrived', `${txnRef}, VNPAY transaction ${transactionNo}, signature verified`)
  const [acknowledged] = paid.callbackAcks
  line('acknowledged', acknowledged?.body ?? '')
  check(
    'the bank got exactly {"RspCode":"00","Message":"Confirm Success"}',
    acknowledged?.body === '{"RspCode":"00","Message":"Confirm Success"}',
  )
  check('the invoice is PAID', (await portal.invoice(card.id)).status === 'PAID')

  section('2  Account: the payer opens the payment page, types a card number and the code from the phone')
  const account = await issue(1, '1.010100', await feeOf(demo, '1.010100'))
  line('issued', `${account.id}  ${account.dossierCode}  ${vnd(account.total)}`)
  const attemptUrl = await submit(`${account.payUrl}/start`, {
    rail: accounts.vietinbank,
    lang: 'vi',
    'input.token': sandbox.vietinbank.testCards.success,
    'input.tokenIssueDate': '0325',
  })
  const otp = await oneTimeCode(demo, account.id)
  const wrong = await submit(`${attemptUrl.split('?')[0]}/confirm`, {
    otp: otp === '000000' ? '000001' : '000000',
    lang: 'vi',
  })
  check('a wrong code is refused and may be tried again', wrong.includes('triesLeft=2'))
  await submit(`${attemptUrl.split('?')[0]}/confirm`, { otp, lang: 'vi' })
  check('the right code pays the invoice', (await portal.invoice(account.id)).status === 'PAID')
  check('the page says so in Vietnamese', (await (await fetch(account.payUrl)).text()).includes('Đã thanh toán'))

  section('3  QR: the payer scans the VietQR, the bank tells of the credit with a signed notice')
  const qr = await issue(2, '1.004194', await feeOf(demo, '1.004194'))
  line('issued', `${qr.id}  ${qr.dossierCode}  ${vnd(qr.total)}`)
  line('VietQR', qr.vietQr?.payload ?? 'none')
  const transfer = await sandbox.vietqr.pay(qr.vietQr?.payload ?? '', 'success')
  const [credited] = transfer.callbackAcks
  line('acknowledged', `${credited?.status} ${credited?.body}`)
  check('the transfer found its invoice by the pay code in the text', (await portal.invoice(qr.id)).status === 'PAID')

  section('4  A duplicate and two tampered callbacks')
  const [duplicate] = (await sandbox.vnpay.sendCallback(txnRef)).acknowledgements
  line('duplicate', duplicate?.body ?? '')
  check('the duplicate is told it is done (02) and changes nothing', duplicate?.meaning === 'RspCode 02')
  const [tampered] = (await sandbox.vnpay.sendCallback(txnRef, { tampered: true })).acknowledgements
  line('tampered (VNPAY)', tampered?.body ?? '')
  check('a changed amount under the old signature is refused (97)', tampered?.meaning === 'RspCode 97')
  const movement = transfer.transaction?.id ?? 0
  const [forged] = (await sandbox.vietqr.sendCallback(movement, { tampered: true })).acknowledgements
  line('tampered (notice)', `${forged?.status} ${forged?.body}`)
  check('a changed notice is refused (401)', forged?.status === 401)

  section('5  Late: the invoice expires, then the money comes')
  const late = await issue(3, '1.004194', await feeOf(demo, '1.004194'), {
    expiresAt: new Date(environment.now().getTime() + 16 * minuteMs).toISOString(),
  })
  await turnForward(20 * minuteMs)
  line('clock', 'turned forward by 20 minutes')
  check('the invoice expires on time', await until(async () => (await portal.invoice(late.id)).status === 'EXPIRED'))
  // A QR code that was printed or saved can be paid at any time.
  await sandbox.vietqr.pay(late.vietQr?.payload ?? '', 'success')
  const lateInvoice = await portal.invoice(late.id)
  line('paid', `${lateInvoice.paidAt ?? '-'} (${lateInvoice.lateBySeconds ?? 0} s after the end)`)
  check(
    'money after expiry still pays while the price holds, and is marked late',
    lateInvoice.status === 'PAID' && (lateInvoice.lateBySeconds ?? 0) > 0,
  )

  section('6  Lost: the payer pays, and the callback never arrives')
  const lost = await issue(4, '1.004194', await feeOf(demo, '1.004194'))
  const lostAttempt = await portal.startPayment(lost.id, { railAccountId: accounts.vnpay, payerIp: '203.0.113.7' })
  sandbox.vnpay.behaviour.misbehave({ callbacksLost: true })
  await sandbox.vnpay.pay(lostAttempt.instruction.url ?? '', 'success')
  check('nobody has told the gateway', (await portal.invoice(lost.id)).status === 'PAYING')
  await turnForward(minuteMs + 1_000)
  line('clock', 'turned forward by a minute: the gateway asks VNPAY')
  check(
    'the answer to the inquiry pays the invoice',
    await until(async () => (await portal.invoice(lost.id)).status === 'PAID'),
  )
  sandbox.vnpay.behaviour.behave()

  section('7  What the dossier system heard')
  const dossiers = [card, account, qr, late, lost].map(({ dossierCode }) => dossierCode)
  const heard = (code: string): string | null => {
    const status = sandbox.dossier.dossiers.get(code)
    return status?.status === 'PAID' ? status.byEvent : null
  }
  check('it heard "paid" for every dossier', await until(async () => dossiers.every((code) => heard(code) !== null)))
  for (const code of dossiers) line(code, heard(code) ?? 'nothing')
  for (const code of dossiers) {
    check(
      `${code}: one paid event, verified by secret and by key`,
      sandbox.dossier.received.filter(
        (event) => event.dossierCode === code && event.type === 'invoice.paid' && event.verified,
      ).length === 1,
    )
  }
  const faults = sandbox.dossier.received.flatMap(({ fault }) => fault ?? [])
  check(`it refused nothing${faults.map((fault) => `: ${fault}`).join('')}`, faults.length === 0)

  section('8  The books')
  const balances = await running.database.query<{ account: string; balance: bigint }>(
    'SELECT account, balance FROM ledger_balances ORDER BY account',
    [],
  )
  for (const { account: name, balance } of balances) line(vnd(Number(balance)), name)
  const sum = balances.reduce((total, { balance }) => total + balance, 0n)
  check(`all postings sum to zero (${sum})`, sum === 0n)
  const [{ refused } = { refused: 0n }] = await running.database.query<{ refused: bigint }>(
    `SELECT count(*) AS refused FROM callbacks WHERE verdict LIKE 'refused:%'`,
    [],
  )
  check(`every refused callback left its evidence (${refused})`, refused >= 2n)

  section('9  The signed invoice, checked offline')
  const jwks = (await (await fetch(`${running.publicUrl}/.well-known/jwks.json`)).json()) as { keys: unknown[] }
  const middle = Math.floor(card.jws.length / 2)
  const altered = card.jws.slice(0, middle) + (card.jws[middle] === 'A' ? 'B' : 'A') + card.jws.slice(middle + 1)
  check(
    'it verifies with the published keys',
    verifyCompact(card.jws, 'feegate-invoice+jws', keysOfJwks(jwks)) !== null,
  )
  check(
    'one changed character makes it invalid',
    verifyCompact(altered, 'feegate-invoice+jws', keysOfJwks(jwks)) === null,
  )
}

async function stayUp({ running, sandbox, portal, logFile }: Demo): Promise<void> {
  const open = await portal.issue({
    dossierCode: `${agencyCode}-${businessDate(new Date(Date.now())).slice(2).replaceAll('-', '')}-${randomInt(100_000, 999_999)}`,
    procedureCode: '1.004194',
    collectingAgencyCode: agencyCode,
    collectionMode: 'UPFRONT',
    submitter: { name: 'Trần Thị Bình' },
    items: [{ feeCode: await feeOf({ running }, '1.004194') }],
  })
  process.stdout.write(
    `\nStill up; Ctrl-C stops it.\n   a fee to pay yourself  ${open.payUrl}\n   partners               ${sandbox.baseUrl}\n   dossier system         ${sandbox.dossier.baseUrl}\n   one-time codes         ${sandbox.vietinbank.baseUrl}/phone\n   gateway log            ${logFile}\n`,
  )
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}

/** Fee code of a procedure's first rate, as a portal would find it in the published table. */
async function feeOf({ running }: Pick<Demo, 'running'>, procedureCode: string): Promise<string> {
  const [row] = await running.database.query<{ fee: string }>(
    `SELECT body ->> 'feeCode' AS fee FROM fee_rates WHERE procedure_code = $1 AND withdrawn_at IS NULL ORDER BY id LIMIT 1`,
    [procedureCode],
  )
  if (row === undefined) throw new Error(`no fee for ${procedureCode}`)
  return row.fee
}

/** Posts a form as a browser does and returns where it is sent. */
async function submit(url: string, fields: Record<string, string>): Promise<string> {
  const answer = await fetch(url, { method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) })
  const location = answer.headers.get('location')
  if (answer.status !== 303 || location === null) throw new Error(`POST ${url}: ${answer.status}`)
  return new URL(location, url).toString()
}

async function oneTimeCode({ running, sandbox }: Demo, invoiceId: string): Promise<string> {
  const [row] = await running.database.query<{ merchant_ref: string }>(
    'SELECT merchant_ref FROM payments WHERE invoice_id = $1',
    [invoiceId],
  )
  return sandbox.vietinbank.otpOf(row?.merchant_ref ?? '') ?? ''
}

async function pendingDeliveries({ running, sandbox }: Demo): Promise<bigint> {
  const [row] = await running.database.query<{ pending: bigint }>(
    `SELECT count(*) AS pending FROM deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
      WHERE d.status = 'PENDING' AND e.url = $1`,
    [sandbox.dossier.webhookUrl],
  )
  return row?.pending ?? 0n
}

async function until(holds: () => Promise<boolean>): Promise<boolean> {
  for (let waited = 0; waited < waitMs; waited += 100) {
    if (await holds()) return true
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return false
}

function vnd(amount: number): string {
  return `${amount.toLocaleString('vi-VN')} ₫`
}
