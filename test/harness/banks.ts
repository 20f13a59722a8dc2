/** Two banks that collect bills for one agency: a counter of VietinBank's message set and a bank of the generic profile. */
import type { Test } from 'tap'
import type { Directory } from '../../src/directory/load.ts'
import { makeContext } from '../../src/sandbox/context.ts'
import { type BillPull, startBillPull } from '../../src/sandbox/rails/bill-pull.ts'
import { type GenericBank, startGenericBank } from '../../src/sandbox/rails/bill-pull-generic.ts'
import { makeRsaPair } from '../../src/sandbox/rails/rsa-text.ts'
import { type GatewayOver, type TestGateway, testDirectory, testGateway } from './gateway.ts'

export const bankAccounts = { vietinbank: 'thu-ho-vtb', generic: 'thu-ho-bank' } as const

/** Made once: keys are slow, and nothing in the tests rests on their being different ones. */
const keys = Promise.all([makeRsaPair(), makeRsaPair()])

export type Banks = {
  readonly gateway: TestGateway
  readonly vietinbank: BillPull
  readonly generic: GenericBank
  readonly railAccounts: Directory['railAccounts']
}

export async function testBanks(t: Test, over: GatewayOver = {}): Promise<Banks> {
  const gateway = await testGateway(t, over)
  const [bankKeys, gatewayKeys] = await keys
  const context = makeContext({ clock: gateway.environment })
  const vietinbank = await startBillPull(context, { bankKeys, gatewayKeys })
  const generic = await startGenericBank(context, { bankKeys, gatewayKeys, accountId: bankAccounts.generic })
  t.teardown(() => Promise.all([vietinbank.close(), generic.close()]))
  const rail = (id: string, config: object): Directory['railAccounts'][number] => ({
    id,
    rail: 'bill-pull',
    beneficiaryAccountId: 'bac_h56-14-colle',
    titleVi: 'Thu hộ',
    titleEn: 'Bill payment',
    config: { ...config },
  })
  const railAccounts = [
    rail(bankAccounts.vietinbank, vietinbank.accountConfig()),
    rail(bankAccounts.generic, generic.accountConfig()),
  ]
  await gateway.load(testDirectory({ railAccounts }))
  vietinbank.callbackUrl = `${gateway.url}/callbacks/bill-pull/${bankAccounts.vietinbank}`
  generic.callbackUrl = `${gateway.url}/callbacks/bill-pull/${bankAccounts.generic}`
  return { gateway, vietinbank, generic, railAccounts }
}

/** The customer code under which the counter knows a pay code. */
export function custCodeOf(payCode: string): string {
  return `1GOV${payCode}`
}
