/**
 * Inputs that are kept between runs, in test/corpus: those that once broke something, each in a file with a telling
 * name, and one packed file per program of those that together cover all that was ever covered.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'

const corpus = join(import.meta.dirname, '../corpus')

/** Inputs that broke a program. */
export const brokenBy = (program: string): string => join(corpus, program)

const packed = (program: string): string => join(corpus, `${program}.gz`)

/** The packed inputs: each behind its length, in 32 bits. */
export function* unpackCorpus(program: string): Generator<Uint8Array> {
  if (!existsSync(packed(program))) return
  const bytes = gunzipSync(readFileSync(packed(program)))
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at)
    yield bytes.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
}

/** Pack the inputs of a directory, in an order that does not depend on when they were found. */
export function packCorpus(program: string, directory: string): number {
  const inputs = readdirSync(directory).map((name) => readFileSync(join(directory, name)))
  const length = (input: Uint8Array): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32LE(input.length)
    return bytes
  }
  inputs.sort((a, b) => a.length - b.length || Buffer.compare(a, b))
  mkdirSync(corpus, { recursive: true })
  writeFileSync(packed(program), gzipSync(Buffer.concat(inputs.flatMap((input) => [length(input), input])), { level: 9 }))
  return inputs.length
}

/** Write inputs into a directory as libFuzzer names them. */
export function writeInputs(inputs: Iterable<Uint8Array>, directory: string): void {
  for (const input of inputs) writeFileSync(join(directory, createHash('sha1').update(input).digest('hex')), input)
}
