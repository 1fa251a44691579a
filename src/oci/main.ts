/** `vpc-oci-hook STAGE [--config=FILE]`: what container runtimes start; `vpc-oci-hook finish` is for a timer. */
import { hostConfigPath } from './host-config.ts'
import { finishAll, finishWord, readStandardInput, runHook, stages, type Stage } from './hook.ts'
import { messageOf } from './message-of.ts'

/** Serve one invocation. Returns the exit code; the reason of a refusal is on standard error, where runtimes look. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const options = args.filter((each) => each.startsWith('--config='))
    const [stage, ...others] = args.filter((each) => !options.includes(each))
    const configPath = options[0]?.slice('--config='.length) ?? hostConfigPath
    if (stage === finishWord && others.length === 0) {
      const elsewhere = await finishAll(configPath)
      if (elsewhere !== undefined) process.stderr.write(`vpc-oci-hook: ${elsewhere}\n`)
      return 0
    }
    if (others.length > 0 || !(stages as readonly (string | undefined)[]).includes(stage)) {
      process.stderr.write(`usage: vpc-oci-hook ${[...stages, finishWord].join('|')} [--config=FILE]\n`)
      return 2
    }
    await runHook(stage as Stage, readStandardInput(), configPath)
    return 0
  } catch (error) {
    process.stderr.write(`vpc-oci-hook: ${messageOf(error)}\n`)
    return 1
  }
}
