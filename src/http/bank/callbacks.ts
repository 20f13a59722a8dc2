/** Where banks call: the bytes go to the rail's adapter untouched, and its exact answer goes back. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CallbackArrival, CallbackReceiver } from '../../callback/receive.ts'
import type { CallerRefuser } from '../../callback/refuse-caller.ts'
import type { Environment } from '../../environment.ts'
import { Problem, problemBody } from '../../problem/problem.ts'
import type { OpenRailAccount, RailAccounts } from '../../rails/accounts.ts'
import { fitsRules, subjectOf } from '../../signing/certificate-rule.ts'
import type { AddressLimiter } from '../address-limits.ts'
import type { ClientCertificates } from '../tls/client-certificates.ts'
import { acceptRawBodies, rawRequest, sendReply } from './raw.ts'

/** No rail of rails.md sends more than a few kilobytes. */
const callbackBodyBytes = 64 * 1024

type CallerFlaw = { readonly problem: Problem; readonly detail: string }
type CallbackParams = { rail: string; account: string; '*'?: string }

export type CallbackRoutesOptions = {
  readonly railAccounts: RailAccounts
  readonly receive: CallbackReceiver
  readonly refuseCaller: CallerRefuser
  readonly clientCertificates: ClientCertificates
  readonly environment: Environment
  readonly limitAddress: AddressLimiter
}

export function registerCallbackRoutes(server: FastifyInstance, options: CallbackRoutesOptions): void {
  const { railAccounts, receive, refuseCaller, clientCertificates, environment, limitAddress } = options

  /** Null when the caller may speak for the account; else what is wrong with it, for evidence. */
  function flawOfCaller(request: FastifyRequest, account: OpenRailAccount | null): CallerFlaw | null {
    const rules = account?.clientCertificates ?? null
    const isBankDoor = clientCertificates.doorOf(request.raw) === 'bank'
    if (rules === null && !isBankDoor) return null
    const judgement = clientCertificates.judgeBank(request.raw, environment.now())
    // At the banks' own door nobody without a good certificate gets as far as a name.
    if (!judgement.ok)
      return {
        problem: new Problem(isBankDoor ? 'CLIENT_CERTIFICATE_REFUSED' : 'NOT_FOUND'),
        detail: [judgement.reason, ...(judgement.presented === null ? [] : [subjectOf(judgement.presented)])].join(
          ': ',
        ),
      }
    if (rules !== null && fitsRules(judgement.chain, rules)) return null
    const [presented] = judgement.chain
    return {
      problem: new Problem('NOT_FOUND'),
      detail: `certificate of another: ${presented === undefined ? '' : subjectOf(presented)}`,
    }
  }

  async function tellOf(flaw: CallerFlaw, account: OpenRailAccount | null, arrival: CallbackArrival): Promise<never> {
    const { problem, detail } = flaw
    const reply = { status: problem.status, headers: {}, body: problemBody(problem) }
    if (account !== null) await refuseCaller(account, arrival, detail, reply)
    throw problem
  }

  server.register((scope, _options, done) => {
    acceptRawBodies(scope)
    const handler = async (
      request: FastifyRequest<{ Params: CallbackParams }>,
      reply: FastifyReply,
    ): Promise<FastifyReply> => {
      const { rail, account: accountId, '*': rest } = request.params
      const account = await railAccounts.find(rail, accountId)
      const arrival = { request: rawRequest(request, rest), requestId: request.id, remoteAddress: request.ip }
      const flaw = flawOfCaller(request, account)
      if (flaw !== null) await tellOf(flaw, account, arrival)
      // The same answer as for any address that does not exist: no hint which accounts do.
      if (account?.adapter.capabilities.callback !== true) {
        await limitAddress(request, 'nowhere')
        throw new Problem('NOT_FOUND')
      }
      return sendReply(reply, await receive(account, arrival))
    }
    const routing = { bodyLimit: callbackBodyBytes, schema: { hide: true } }
    for (const method of ['GET', 'POST'] as const) {
      scope.route<{ Params: CallbackParams }>({ ...routing, method, url: '/callbacks/:rail/:account', handler })
      scope.route<{ Params: CallbackParams }>({ ...routing, method, url: '/callbacks/:rail/:account/*', handler })
    }
    done()
  })
}
