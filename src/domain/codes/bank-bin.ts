/**
 * Names of banks by their six-digit BIN, as payers know them from their apps (rails.md §2.5, Bank BINs). A convenience for whoever
 * types a transfer by hand: no decision rests on it, and a BIN that is not here has no name.
 */
const banks: Readonly<Record<string, string>> = {
  '970403': 'Sacombank',
  '970405': 'Agribank',
  '970407': 'Techcombank',
  '970409': 'BacABank',
  '970412': 'PVcomBank',
  '970415': 'VietinBank',
  '970416': 'ACB',
  '970418': 'BIDV',
  '970419': 'NCB',
  '970422': 'MB',
  '970423': 'TPBank',
  '970425': 'ABBank',
  '970426': 'MSB',
  '970428': 'NamABank',
  '970431': 'Eximbank',
  '970432': 'VPBank',
  '970436': 'Vietcombank',
  '970437': 'HDBank',
  '970440': 'SeABank',
  '970441': 'VIB',
  '970443': 'SHB',
  '970448': 'OCB',
  '970449': 'LPBank',
  '970452': 'KienlongBank',
}

export function bankName(bin: string): string | null {
  return Object.hasOwn(banks, bin) ? (banks[bin] ?? null) : null
}
