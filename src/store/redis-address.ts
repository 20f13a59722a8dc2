/** How a Redis Cluster is named in the configuration. */

const usualPort = 6379
/** Scheme → with TLS. */
const schemes: Readonly<Record<string, boolean>> = { 'redis-cluster:': false, 'rediss-cluster:': true }

export type ClusterAddress = {
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly username?: string
  readonly password?: string
  readonly tls?: object
}

/** `redis-cluster://[user:password@]host[:port],host[:port]…`, `rediss-cluster://` with TLS; null: no cluster. Throws `TypeError`. */
export function readClusterUrl(url: string): ClusterAddress | null {
  const [, scheme = '', credentials = '', list = ''] = /^([a-z-]+:)\/\/(?:([^@]*)@)?(.*?)\/?$/.exec(url) ?? []
  const withTls = schemes[scheme]
  if (withTls === undefined) return null
  const nodes = list.split(',').map((text) => {
    const [, bracketed, plain, port] =
      /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]/?#\s]+))(?::(\d{1,5}))?$/.exec(text.trim()) ?? []
    const host = bracketed ?? plain
    if (host === undefined) throw new TypeError(`no node of a Redis Cluster: ${text}`)
    return { host, port: port === undefined ? usualPort : Number(port) }
  })
  const [username = '', ...rest] = credentials.split(':')
  return {
    nodes,
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(rest.length === 0 ? {} : { password: decodeURIComponent(rest.join(':')) }),
    ...(withTls ? { tls: {} } : {}),
  }
}
