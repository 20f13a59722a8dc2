/** A directory file a new gateway can load as it is: one tenant, one agency, its accounts, and the given rail accounts. */
import { counterUnit } from './issuer.ts'
import type { Place, RailAccountEntry } from './rail-list.ts'

const taxCode = '0100111948'

export function exampleDirectory(
  { agencyCode, beneficiaryAccountId }: Place,
  railAccounts: readonly RailAccountEntry[],
  tenantId = 'ten_thanhhoa',
): Readonly<Record<string, unknown>> & { readonly railAccounts: readonly object[] } {
  return {
    format: 'feegate-directory/1',
    tenant: { id: tenantId, name: 'Tỉnh Thanh Hóa' },
    agencies: [
      {
        code: agencyCode,
        nameVi: 'Sở Tư pháp',
        nameEn: 'Department of Justice',
        taxCode,
        validFrom: '2020-01-01',
      },
      // The unit of the issuer's counter clerks: a counter collects for other agencies.
      {
        code: counterUnit,
        nameVi: 'Trung tâm Phục vụ hành chính công',
        nameEn: 'Public administration service centre',
        taxCode: '0100112109',
        validFrom: '2020-01-01',
      },
    ],
    beneficiaryAccounts: [
      {
        id: beneficiaryAccountId,
        agencyCode,
        creditor: 'COLLECTING_AGENCY',
        creditorName: 'Sở Tư pháp',
        creditorTaxCode: taxCode,
        bankBin: '970415',
        accountNumber: '113366668888',
        accountName: 'SO TU PHAP',
      },
    ],
    railAccounts: [...railAccounts, cashAt(beneficiaryAccountId)],
  }
}

/** The one-stop counter takes cash for the same account; no partner is needed for it. */
function cashAt(beneficiaryAccountId: string): object {
  return {
    id: 'counter-sandbox',
    rail: 'counter',
    beneficiaryAccountId,
    titleVi: 'Tiền mặt tại quầy một cửa',
    titleEn: 'Cash at the one-stop counter',
    config: { cashMaximum: 5_000_000 },
    position: 1_000,
  }
}
