/** A third of the registry's adapters, each callback changed ten thousand times. */
import t from 'tap'
import { judgeByForce } from './conformance/kit.ts'

await judgeByForce(t, 0, 3)
