/**
 * The CNI plugin, by version 1.1 of the specification: reads the environment and standard input, does one operation,
 * and prints its result or an error as JSON. Imports what the operation needs alone: runtimes start it often.
 */
import { readFileSync } from 'node:fs'
import { CniError, errorCode } from './error.ts'
import { readAttachment, readConfig, since, variable, versions, type NetworkConfig } from './invocation.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Serve one invocation. Returns the exit code once the answer is written; never throws. */
export async function main(env: Env): Promise<number> {
  let cniVersion: string = versions[0]
  let answer: unknown
  let code = 0
  try {
    const command = variable(env, 'CNI_COMMAND')
    const text = readFileSync(0, 'utf8')
    cniVersion = versionIn(text) ?? cniVersion
    answer = command === 'VERSION' ? { cniVersion, supportedVersions: versions.toReversed() } : await run(command, readConfig(text), env)
  } catch (error) {
    const { code: errorNumber, message, details } = await cniErrorOf(error)
    answer = { cniVersion, code: errorNumber, msg: message, ...(details !== undefined && { details }) }
    code = 1
  }
  if (answer !== undefined) await new Promise((resolve) => process.stdout.write(`${JSON.stringify(answer)}\n`, resolve))
  return code
}

/** The version that the runtime speaks, even when the rest is wrong. */
function versionIn(text: string): string | undefined {
  return /"cniVersion"\s*:\s*"(\d+\.\d+\.\d+)"/.exec(text)?.[1]
}

async function run(command: string, config: NetworkConfig, env: Env): Promise<unknown> {
  const { cniVersion } = config
  const first = Object.hasOwn(since, command) ? since[command] : undefined
  // The newest is first in the list.
  if (first !== undefined && (versions as readonly string[]).indexOf(cniVersion) > versions.indexOf(first))
    throw new CniError(errorCode.incompatibleVersion, `version ${cniVersion} has no ${command}; it came with ${first}`)
  if (command === 'ADD') return (await import('./add.ts')).add(config, readAttachment(env), variable(env, 'CNI_NETNS'))
  if (command === 'DEL') return (await import('./del.ts')).del(config, readAttachment(env))
  if (command === 'CHECK') return (await import('./check.ts')).check(config, readAttachment(env), variable(env, 'CNI_NETNS'))
  if (command === 'GC') return (await import('./gc.ts')).gc(config)
  if (command === 'STATUS') return (await import('./status.ts')).status(config)
  throw new CniError(
    errorCode.invalidEnvironment,
    `CNI_COMMAND is one of ADD, DEL, CHECK, GC, STATUS and VERSION, not '${command.slice(0, 64)}'`,
  )
}

const ofKind = {
  unreachable: errorCode.tryAgainLater,
  denied: errorCode.denied,
  conflict: errorCode.conflict,
  usage: errorCode.invalidConfig,
}

async function cniErrorOf(error: unknown): Promise<CniError> {
  if (error instanceof CniError) return error
  const { failureOf } = await import('#cli/report.ts')
  const { kind, message } = failureOf(error)
  return new CniError(kind === 'failed' ? errorCode.failed : ofKind[kind], message)
}
