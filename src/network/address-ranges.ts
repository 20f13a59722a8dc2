import ipaddr from 'ipaddr.js'

/** True for an address or CIDR range as settings hold them. */
export function isRange(text: string): boolean {
  return ipaddr.isValid(text) || ipaddr.isValidCIDR(text)
}

/** False for what is no address. An IPv4 address inside an IPv6 one counts as itself. */
export function isInRanges(address: string, ranges: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return ranges.some((range) => {
    if (!range.includes('/')) return ipaddr.process(range).toNormalizedString() === parsed.toNormalizedString()
    const [network, bits] = ipaddr.parseCIDR(range)
    return network.kind() === parsed.kind() && parsed.match(network, bits)
  })
}
