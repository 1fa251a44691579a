/** Running the command `vpc` as people do: a process of its own. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { resolve } from '#cli/resolve.ts'
import { outputProblem } from '#cli/schema/outputs.ts'

export const vpcPath = fileURLToPath(new URL('../../bin/vpc.mjs', import.meta.url))

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string | Uint8Array
  readonly uid?: number
}

/** Run it to its end. */
export function runVpc(args: readonly string[], { env = {}, input = '', uid }: RunOptions = {}): Ran {
  const { status, stdout, stderr } = spawnSync(vpcPath, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    input,
    env: { ...process.env, ...env },
    ...(uid !== undefined && { uid, gid: uid }),
  })
  if (status === 0 && args.includes('--json') && stdout !== '') checkJson(args, stdout)
  return { code: status, stdout, stderr }
}

/** What a command prints as JSON is what `vpc doc schema` says. */
function checkJson(args: readonly string[], stdout: string): void {
  assert.equal(outputProblem(resolve(args).path.join(' '), stdout), undefined)
}

/** Run it and close its output after the first bytes. */
export async function runVpcIntoClosedPipe(args: readonly string[]): Promise<Ran> {
  const child = spawn(vpcPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout: '', stderr }
}
