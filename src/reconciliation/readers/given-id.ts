/** ISO 20022 and its forerunners write `NOTPROVIDED` for none. */
export function givenId(text: string): string | null {
  const trimmed = text.trim()
  return trimmed === '' || trimmed === 'NOTPROVIDED' ? null : trimmed
}
