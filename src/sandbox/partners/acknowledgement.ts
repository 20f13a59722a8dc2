/** What the gateway answered to a callback. */
export type Ack = {
  /** 0 when no answer came. */
  readonly status: number
  readonly body: string
  /** It is one of the answers this rail knows, to the byte. */
  readonly expected: boolean
  /** The rail's own code in the answer; `''` when there is none. */
  readonly code: string
}

/** Calls the gateway; an unreachable or silent one is an answer too, with status 0. `judge` may throw: then the answer is none the rail knows. */
export async function callGateway(
  url: string,
  message: RequestInit,
  judge: (status: number, body: string) => Pick<Ack, 'expected' | 'code'>,
): Promise<Ack> {
  const got = { status: 0, body: '' }
  try {
    const answer = await fetch(url, { ...message, signal: AbortSignal.timeout(30_000) })
    got.status = answer.status
    got.body = await answer.text()
    return { ...got, ...judge(got.status, got.body) }
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error)
    return { ...got, body: got.body === '' ? fault : got.body, expected: false, code: '' }
  }
}
