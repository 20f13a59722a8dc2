/**
 * Secrets at rest: each owner (a rail account, a webhook endpoint, …) has a data key of its own, wrapped by a master key; each secret
 * field is sealed with the data key and bound to tenant, owner and field.
 */
import { type Binding, keyBytes, openBytes, SecretError, sealBytes } from './envelope.ts'
import type { MasterKeys, Random, WrappedKey } from './master-keys.ts'

export type SecretOwner = {
  readonly kind:
    | 'rail-account'
    | 'portal-partner'
    | 'webhook-endpoint'
    | 'stored-answer'
    | 'agency-signer'
    | 'receipt-issuer'
    | 'refund-payee'
  readonly tenantId: string
  readonly id: string
}

/** As it stands in a row: the columns `master_key_id`, `data_key` and `sealed`. */
export type SealedColumns = {
  readonly master_key_id: string
  readonly data_key: Buffer
  /** Field → base64. */
  readonly sealed: Readonly<Record<string, string>>
}
/** The same columns of a row that may have no secrets. */
export type MaybeSealed = { readonly [Column in keyof SealedColumns]: SealedColumns[Column] | null }

export type Vault = {
  /** Seals all fields of an owner under a fresh data key. */
  seal(owner: SecretOwner, fields: Readonly<Record<string, string>>): Promise<SealedColumns>
  /** @throws SecretError when the columns are not those of this owner, or their master key is not here */
  open(owner: SecretOwner, columns: MaybeSealed): Promise<Record<string, string>>
  /** The data key under the active master key; null when it is already. */
  rewrap(owner: SecretOwner, wrapped: WrappedKey): Promise<WrappedKey | null>
  readonly masterKeys: MasterKeys
}

const nonceBytes = 12
/** Data keys kept in memory, so that a master key in a key service is not asked at every read. */
const mostRemembered = 10_000

export function createVault({ masterKeys, random }: { masterKeys: MasterKeys; random: Random }): Vault {
  const remembered = new Map<string, Buffer>()

  async function dataKeyOf(owner: SecretOwner, wrapped: WrappedKey): Promise<Buffer> {
    const name = `${JSON.stringify(keyBinding(owner))} ${wrapped.masterKeyId} ${wrapped.dataKey.toString('base64')}`
    const known = remembered.get(name)
    if (known !== undefined) return known
    const dataKey = await masterKeys.unwrap(wrapped, keyBinding(owner))
    if (remembered.size >= mostRemembered) remembered.clear()
    remembered.set(name, dataKey)
    return dataKey
  }

  return {
    masterKeys,
    async seal(owner, fields) {
      const dataKey = random(keyBytes)
      const { masterKeyId, dataKey: wrapped } = await masterKeys.wrap(dataKey, keyBinding(owner))
      const sealed = Object.entries(fields).map(([field, text]) => {
        const bytes = sealBytes(dataKey, random(nonceBytes), fieldBinding(owner, field), Buffer.from(text, 'utf8'))
        return [field, bytes.toString('base64')]
      })
      return { master_key_id: masterKeyId, data_key: wrapped, sealed: Object.fromEntries(sealed) }
    },
    async open(owner, { master_key_id, data_key, sealed }) {
      if (master_key_id === null || data_key === null || sealed === null)
        throw new SecretError(`${owner.kind} ${owner.id} has no sealed secrets`)
      const dataKey = await dataKeyOf(owner, { masterKeyId: master_key_id, dataKey: data_key })
      const fields = Object.entries(sealed).map(([field, base64]) => {
        const bytes = openBytes(dataKey, fieldBinding(owner, field), Buffer.from(base64, 'base64'))
        return [field, bytes.toString('utf8')]
      })
      return Object.fromEntries(fields)
    },
    async rewrap(owner, wrapped) {
      if (wrapped.masterKeyId === masterKeys.activeId()) return null
      return await masterKeys.wrap(await masterKeys.unwrap(wrapped, keyBinding(owner)), keyBinding(owner))
    },
  }
}

function keyBinding({ kind, tenantId, id }: SecretOwner): Binding {
  return ['data key', kind, tenantId, id, '']
}

function fieldBinding({ kind, tenantId, id }: SecretOwner, field: string): Binding {
  return ['secret', kind, tenantId, id, field]
}
