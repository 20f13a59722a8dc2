import { businessDate, startOfLocalDay } from '../vietnam-time.ts'
import { type AgencyCode, parseAgencyCode } from './agency-code.ts'
import { canonicalCode } from './canonical.ts'
import { type Code, type Parsed, refused } from './result.ts'

/** `H56.14-240823-0001`: agency, day the dossier was received, number of that day (domain.md §4). */
export type DossierCode = Code & {
  readonly agency: AgencyCode
  /** Local date `yyyy-MM-dd`. */
  readonly receivedOn: string
  /** 4 digits in provinces, 6–7 on ministry portals; leading zeros are part of it. */
  readonly dailyNumber: string
}

const name = { vi: 'Mã hồ sơ', en: 'The dossier code' }
const dayMs = 24 * 60 * 60 * 1000

/** The day must exist and not be after tomorrow's local date as seen from `now`: portals' clocks may run ahead a little. */
export function parseDossierCode(received: string, now: Date): Parsed<DossierCode> {
  const code = canonicalCode(received, name)
  if (!code.ok) return code
  const [agencyText = '', day = '', dailyNumber = '', ...more] = code.value.canonical.split('-')
  const agency = parseAgencyCode(agencyText)
  if (!agency.ok || !/^\d{6}$/.test(day) || !/^\d{4,7}$/.test(dailyNumber) || more.length > 0) {
    return refused(name, 'WRONG_FORMAT')
  }
  const receivedOn = `20${day.slice(0, 2)}-${day.slice(2, 4)}-${day.slice(4, 6)}`
  if (startOfLocalDay(receivedOn) === null) return refused(name, 'NO_SUCH_DATE')
  if (receivedOn > businessDate(new Date(now.getTime() + dayMs))) return refused(name, 'DATE_IN_FUTURE')
  return { ok: true, value: { ...code.value, agency: agency.value, receivedOn, dailyNumber } }
}
