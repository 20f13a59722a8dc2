/** Only a start of which nothing left us may go on elsewhere: after any answer of the rail it may not. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Adapter, HttpCall, Order } from '../../adapters/contract.ts'
import { vnpay } from '../../adapters/vnpay/index.ts'
import { createCircuitBreaker } from '../../src/network/circuit-breaker.ts'
import { createHttpCaller } from '../../src/network/http-caller.ts'
import { askRail } from '../../src/payment/ask-rail.ts'
import type { OpenRailAccount } from '../../src/rails/accounts.ts'
import { testEnvironment } from '../harness/environment.ts'

const nobody = 'http://127.0.0.1:9/'
const call = (url: string): HttpCall => ({
  method: 'POST',
  url,
  headers: {},
  body: '{}',
  timeoutMs: 2_000,
  repeatable: false,
})

/** A rail that is called at these addresses, one after another, before it gives the payer a page. */
function accountThatCalls(...urls: string[]): OpenRailAccount {
  const step = (left: readonly string[]) => {
    const [url] = left
    return url === undefined
      ? { kind: 'done' as const, result: { kind: 'redirect' as const, url: 'https://bank.example/', sent: {} } }
      : { kind: 'call' as const, call: call(url), state: left.slice(1) }
  }
  const adapter: Adapter = {
    ...(vnpay as Adapter),
    start: () => step(urls),
    readStart: (_answer, state) => step(state as string[]),
  }
  return {
    id: 'rail-1',
    tenantId: 'ten_1',
    rail: 'vnpay',
    beneficiaryAccountId: 'bac_1',
    titleVi: '',
    titleEn: '',
    status: 'ACTIVE',
    position: 0,
    adapter,
    config: {},
    believed: [{}],
    clientCertificates: null,
    envelope: null,
  }
}

async function bank(t: Test): Promise<string> {
  const server = createServer((_request, response) => response.end('{}'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => new Promise((resolve) => server.closeAllConnections() ?? server.close(resolve)))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

function asking(t: Test) {
  const environment = testEnvironment()
  const calls = createHttpCaller()
  t.teardown(() => calls.close())
  const breaker = createCircuitBreaker({ now: environment.now, failuresToOpen: 2 })
  const options = { environment, call: calls.call, breaker, serverIp: '127.0.0.1', log: pino({ level: 'silent' }) }
  return { breaker, environment, ask: (account: OpenRailAccount) => askRail(account, {} as Order, options) }
}

t.test('no connection at the first call: nothing was sent', async (t) => {
  const { ask } = asking(t)
  t.match(await ask(accountThatCalls(nobody)), {
    result: { kind: 'refused', railCode: 'NO_CONNECTION' },
    nothingSent: true,
  })
})

t.test('no connection at a later call: something may be at the rail already', async (t) => {
  const { ask } = asking(t)
  t.match(await ask(accountThatCalls(await bank(t), nobody)), {
    result: { kind: 'refused', railCode: 'NO_CONNECTION' },
    nothingSent: false,
  })
})

t.test('an answer is an answer', async (t) => {
  const { ask } = asking(t)
  t.match(await ask(accountThatCalls(await bank(t))), { result: { kind: 'redirect' }, nothingSent: false })
})

t.test('an open circuit sends nothing, says until when it is open, and lets one trial through after it', async (t) => {
  const { ask, breaker, environment } = asking(t)
  const account = accountThatCalls(nobody)
  t.equal(breaker.openUntil('rail-1'), null)
  await ask(account)
  await ask(account)
  t.same(breaker.openUntil('rail-1'), new Date(environment.now().getTime() + 30_000))
  t.match(await ask(account), { result: { kind: 'refused', railCode: 'CIRCUIT_OPEN' }, nothingSent: true })
  environment.advance(30_000)
  t.equal(breaker.openUntil('rail-1'), null, 'looking takes no trial')
  t.match(await ask(accountThatCalls(await bank(t))), { result: { kind: 'redirect' } })
  t.equal(breaker.openUntil('rail-1'), null)
})
