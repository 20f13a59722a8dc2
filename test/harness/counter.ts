/** A gateway with a one-stop counter: an issuer of officers, an account for cash and one for QR. */
import type { Test } from 'tap'
import type { Directory } from '../../src/directory/load.ts'
import { makeContext } from '../../src/sandbox/context.ts'
import { type Issuer, type OfficerTokenRequest, startIssuer } from '../../src/sandbox/issuer.ts'
import {
  type ApiAnswer,
  anInvoice,
  callApi,
  type GatewayOver,
  type TestGateway,
  testDirectory,
  testGateway,
} from './gateway.ts'

export const cashMaximum = 50_000_000

/** Anything an officer asks for; POSTs carry a fresh Idempotency-Key unless one is given. */
export type AsOfficer = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<ApiAnswer>

export type TestCounter = {
  readonly gateway: TestGateway
  readonly issuer: Issuer
  /** A clerk of the commune counter, unless told otherwise. */
  officer(over?: Partial<OfficerTokenRequest>): Promise<AsOfficer>
  invoice(over?: Record<string, unknown>): Promise<{ id: string; payCode: string; dossierCode: string; total: number }>
}

const accountId = 'bac_h56-14-colle'
export const cashAccount: Directory['railAccounts'][number] = {
  id: 'tien-mat',
  rail: 'counter',
  beneficiaryAccountId: accountId,
  titleVi: 'Tiền mặt tại quầy',
  titleEn: 'Cash at the counter',
  config: { cashMaximum },
}
const qrAccount: Directory['railAccounts'][number] = {
  id: 'vietqr-quay',
  rail: 'vietqr',
  beneficiaryAccountId: accountId,
  titleVi: 'Chuyển khoản VietQR',
  titleEn: 'VietQR transfer',
  config: {
    bankBin: '970415',
    accountNumber: '113366668888',
    accountName: 'SO TU PHAP',
    source: { name: 'sepay', mode: 'hmac', secret: 'sepay-secret-of-the-tests-00000000' },
  },
}

/** The justice department that collects, and a commune whose counter takes the money. */
export function counterDirectory(railAccounts: Directory['railAccounts'] = [cashAccount, qrAccount]): Directory {
  const directory = testDirectory({ railAccounts })
  const [agency] = directory.agencies
  if (agency === undefined) throw new Error('the directory has no agency')
  return {
    ...directory,
    agencies: [
      ...directory.agencies,
      { ...agency, code: 'H56.301', nameVi: 'UBND xã Hoằng Hóa', nameEn: 'Hoang Hoa commune', aliases: ['H56.99.1'] },
    ],
  }
}

export async function testCounter(t: Test, over: GatewayOver = {}): Promise<TestCounter> {
  // The issuer's clock is the gateway's, which is not there yet.
  let now = (): Date => new Date()
  const issuer = await startIssuer(makeContext({ clock: { now: () => now() } }), { tenant: 'ten_thanhhoa' })
  t.teardown(() => issuer.close())
  const gateway = await testGateway(t, { ...over, officerIssuer: issuer.baseUrl })
  now = gateway.environment.now
  await gateway.load(counterDirectory())
  return {
    gateway,
    issuer,
    async officer(given = {}) {
      const asked = { sub: 'motcua01', name: 'Hoàng Thị Một Cửa', roles: ['counter'], unit: 'H56.301', ...given }
      return async (method, path, body, headers = {}) =>
        await callApi(gateway.url, method, path, body, {
          authorization: `Bearer ${await issuer.token(asked)}`,
          ...headers,
        })
    },
    async invoice(invoiceOver = {}) {
      const { status, json, text } = await gateway.api('POST', '/v1/invoices', anInvoice(invoiceOver))
      if (status !== 201) throw new Error(text)
      return {
        id: String(json.id),
        payCode: String(json.payCode),
        dossierCode: String(json.dossierCode),
        total: Number(json.total),
      }
    },
  }
}
