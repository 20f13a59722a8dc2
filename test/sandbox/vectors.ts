import { readFileSync } from 'node:fs'

/** Vectors of one rail; origin: test/fixtures/vectors/rails/README.md. */
export function readVectors<V>(rail: string): V {
  return JSON.parse(readFileSync(new URL(`../fixtures/vectors/rails/${rail}.json`, import.meta.url), 'utf8'))
}
