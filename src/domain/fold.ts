/**
 * Text for content lines of rails: Latin letters, digits and single spaces (rails.md §2.4, domain.md §5.8).
 * Display text keeps its diacritics; fold only what goes on a wire or is compared with what a bank sent back.
 */
export function foldToLatin(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const folded = text
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/đ/g, 'd')
    .replace(/Đ/g, 'D')
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .trim()
  return Number.isFinite(maxLength) ? folded.slice(0, maxLength).trim() : folded
}
