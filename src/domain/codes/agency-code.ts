import { patternCode } from './canonical.ts'
import type { Code, Parsed } from './result.ts'

/**
 * Electronic identifier of an agency, in one of two spellings (domain.md §4):
 * `NEW`  `H56.14`         read left to right (Decision 20/2020/QĐ-TTg)
 * `OLD`  `000.00.12.H62`  read right to left; still inside live dossier codes
 */
export type AgencyCode = Code & {
  readonly style: 'NEW' | 'OLD'
  /** The ministry or province at the top: `H56`. */
  readonly root: string
  /** Levels below the root, the highest first, zeros of the old spelling left out. */
  readonly levels: readonly string[]
}

const name = { vi: 'Mã định danh cơ quan', en: 'The agency code' }
const newStyle = /^[A-Z]\d{2}(\.\d{1,3}){0,4}$/
const oldStyle = /^\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2}$/

/** Says nothing about whether the agency exists: that is the agency table's (domain.md §4, mergers). */
export function parseAgencyCode(received: string): Parsed<AgencyCode> {
  const code = patternCode(received, name, new RegExp(`${newStyle.source}|${oldStyle.source}`))
  if (!code.ok) return code
  const { canonical } = code.value
  const old = oldStyle.test(canonical)
  const [root = '', ...levels] = old ? canonical.split('.').reverse() : canonical.split('.')
  return {
    ok: true,
    value: {
      ...code.value,
      style: old ? 'OLD' : 'NEW',
      root,
      levels: old ? levels.filter((level) => !/^0+$/.test(level)) : levels,
    },
  }
}
