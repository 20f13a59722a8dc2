/** An upload on its way to disk: memory stays flat, and nothing is read before all of it is there. */
import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyRequest } from 'fastify'
import { Problem } from '../../../problem/problem.ts'

export type Spooled = {
  /** What to delete. */
  readonly folder: string
  readonly path: string
  readonly name: string | null
  readonly signature: Buffer | null
  /** Of file and signature: the same request sends the same of both. */
  readonly fingerprint: Buffer
}

/** Far above any detached signature with its chain. */
const maxSignatureBytes = 256 * 1024

/** The file of a form, with its signature in a part `signature`; or the body as a stream. */
export async function spool(request: FastifyRequest, maxBytes: number): Promise<Spooled> {
  const folder = await mkdtemp(join(tmpdir(), 'feegate-upload-'))
  try {
    const path = join(folder, 'file')
    const hash = createHash('sha256')
    let name: string | null = null
    let bytes: number | null = null
    let signature: Buffer | null = null
    const keep = async (source: Readable): Promise<void> => {
      bytes = await toDisk(source, path, maxBytes, (chunk) => hash.update(chunk))
    }
    if (request.isMultipart()) {
      for await (const part of request.files()) {
        if (part.fieldname === 'signature') signature = await inMemory(part.file)
        else if (bytes === null) {
          name = part.filename
          await keep(part.file)
        } else throw new Problem('INVALID_REQUEST', { en: 'the form holds two files', vi: 'Biểu mẫu có hai tệp.' })
        if (part.file.truncated) throw new Problem('BODY_TOO_LARGE')
      }
      if (bytes === null)
        throw new Problem('INVALID_REQUEST', { en: 'the form holds no file', vi: 'Biểu mẫu không có tệp.' })
    } else {
      const body = request.body as Readable | undefined
      if (body === undefined || typeof body.pipe !== 'function') throw new Problem('UNSUPPORTED_MEDIA_TYPE')
      await keep(body)
    }
    if (bytes === 0) throw new Problem('INVALID_REQUEST', { en: 'the file is empty', vi: 'Tệp rỗng.' })
    if (signature !== null) hash.update('\0signature\0').update(signature)
    return { folder, path, name, signature, fingerprint: hash.digest() }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

async function toDisk(source: Readable, path: string, maxBytes: number, see: (chunk: Buffer) => void): Promise<number> {
  let bytes = 0
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      see(chunk)
      done(bytes > maxBytes ? new Problem('BODY_TOO_LARGE') : null, chunk)
    },
  })
  await pipeline(source, meter, createWriteStream(path))
  return bytes
}

async function inMemory(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of source as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxSignatureBytes) throw new Problem('BODY_TOO_LARGE')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
