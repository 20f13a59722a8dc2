/** Every bug that can be switched on: planted ones, and those that were there once. */
import { type Mutation, mutations } from './mutations.ts'
import { regressions } from './regressions/index.ts'

export const bugs: readonly Mutation[] = [...mutations, ...regressions]
