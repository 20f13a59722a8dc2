import { givenId } from '../given-id.ts'

/**
 * The information field `:86:`: free text, numbered sub-fields (`166?00…?20…?32…`, also with other signs than `?`),
 * or coded ones (`/EREF/…/REMI/…`). Lines wrap in the middle of words, so they are joined without a space for matching.
 */
export type Information = {
  readonly remittance: string
  readonly endToEndId: string | null
  readonly counterpartyName: string | null
  readonly counterpartyAccount: string | null
}

export function readInformation(lines: readonly string[]): Information {
  const text = lines.join('')
  return (
    readNumbered(text) ??
    readCoded(text) ?? { ...nothing, remittance: text.trim(), endToEndId: sepaValue(text, 'EREF') }
  )
}

const nothing = { endToEndId: null, counterpartyName: null, counterpartyAccount: null } as const

const purpose = /^(?:2\d|6[0-3])$/

function readNumbered(text: string): Information | null {
  const sign = /^(?:\d{3})?([?<>~^|@])\d{2}/.exec(text)?.[1]
  if (sign === undefined) return null
  // Splitting on a captured number gives text, number, text, number, …
  const pieces = text.split(new RegExp(`\\${sign}(\\d{2})`))
  const join = (wanted: (number: string) => boolean) => {
    let joined = ''
    for (let index = 1; index < pieces.length; index += 2) {
      if (wanted(pieces[index] ?? '')) joined += pieces[index + 1] ?? ''
    }
    return joined.trim()
  }
  // Without a purpose the whole text is better than none: a pay code may stand anywhere.
  const remittance = join((number) => purpose.test(number)) || join(() => true)
  return {
    remittance,
    endToEndId: sepaValue(remittance, 'EREF'),
    counterpartyName: orNull(join((number) => number === '32' || number === '33')),
    counterpartyAccount: orNull(join((number) => number === '31')),
  }
}

/** `EREF+value` up to the next keyword of its kind. */
function sepaValue(text: string, keyword: string): string | null {
  const keywords = 'EREF|KREF|MREF|BREF|RREF|CRED|DEBT|SVWZ|ABWA|ABWE|COAM|OAMT|PURP|IBAN|BIC'
  const match = new RegExp(`(?:^|[^A-Z])${keyword}\\+\\s*(.*?)\\s*(?=(?:${keywords})\\+|$)`).exec(text)
  return givenId(match?.[1] ?? '')
}

const codes = 'EREF|REMI|NAME|IBAN|CNTP|BENM|ORDP|TRTP|TRCD|MARF|CSID|BIC|PREF|RTRN|PURP|ULTB|ULTC|ULTD|SVCL|PT|FT|PY'

function readCoded(text: string): Information | null {
  if (!new RegExp(`^\\s*/(?:${codes})/`).test(text)) return null
  const pieces = text.split(new RegExp(`/(${codes})(?=/)`))
  const values = new Map<string, string>()
  for (let index = 1; index < pieces.length; index += 2) {
    const code = pieces[index] ?? ''
    if (!values.has(code)) values.set(code, (pieces[index + 1] ?? '').replace(/^\//, ''))
  }
  const value = (code: string) => orNull((values.get(code) ?? '').replace(/\/+$/, ''))
  const counterparty = (values.get('CNTP') ?? '').split('/')
  return {
    remittance: value('REMI')?.replace(/^(?:USTD|STRD)\/+/, '') ?? text.trim(),
    endToEndId: givenId(value('EREF') ?? ''),
    counterpartyName: value('NAME') ?? orNull(counterparty[2] ?? ''),
    counterpartyAccount: value('IBAN') ?? orNull(counterparty[0] ?? ''),
  }
}

function orNull(text: string): string | null {
  const trimmed = text.trim()
  return trimmed === '' ? null : trimmed
}
