/** A partner turns a payer or a message away; its page says why. */
import type { FastifyReply } from 'fastify'
import { facts } from './page.ts'
import { sendPage } from './partner.ts'

export class Refused extends Error {
  readonly code: string

  /** @param code the partner's own, where it has one */
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** Runs `answer`; a refusal becomes a page with HTTP 400. */
export async function orRefusal(
  reply: FastifyReply,
  [titleVi, titleEn]: readonly [string, string],
  answer: () => FastifyReply | Promise<FastifyReply>,
): Promise<FastifyReply> {
  try {
    return await answer()
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    const body = facts([
      ['Mã lỗi', 'Code', error.code],
      ['Lý do', 'Reason', error.message],
    ])
    return sendPage(reply, titleVi, titleEn, body, 400)
  }
}
