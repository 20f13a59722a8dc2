const currencies = new Set(Intl.supportedValuesOf('currency'))

/** `70011110/4005287001EUR`: real files append the currency to the account. */
export function splitAccount(text: string): { readonly account: string; readonly currency: string | null } {
  const match = /^(.*\d)\s*([A-Z]{3})$/.exec(text)
  const currency = match?.[2] ?? ''
  return match !== null && currencies.has(currency)
    ? { account: match[1] ?? '', currency }
    : { account: text, currency: null }
}
