/** `vpc flow import`. */
import { readFileSync } from 'node:fs'
import type { FlowDocument } from '#abi/flow-document.ts'
import { readFlowDocument } from '#abi/flow-document.ts'
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { portId } from '../../id-options.ts'
import { done, unitText } from '../../outcome.ts'

/** Read a document from a file, `-` for standard input. Throws a usage failure for one that is none. */
function documentIn(path: string): FlowDocument {
  const name = path === '-' ? 'standard input' : path
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path === '-' ? 0 : path, 'utf8'))
  } catch (error) {
    throw usageFailure(`${name} is not a document of flows: ${(error as Error).message}; vpc flow export writes one`)
  }
  const read = readFlowDocument(value)
  if (!read.ok)
    throw usageFailure(`${name}: ${read.at === undefined ? '' : `${read.at}: `}${read.problem}; vpc flow export writes a document`)
  return read.value
}

export default command({
  path: 'flow import',
  summary: 'take over the flows of a guest that moves to this host',
  description: `FILE is a document of vpc flow export; - is standard input. The port must be in its security groups
    already. The rules of this host judge each flow again, at its first packet. vpcd keeps a flow as it is when this host
    has seen a later packet of it. For 30 seconds the port also takes TCP connections that the document lacks, by packets
    that a rule allows.`,
  options: { portId },
  positionals: [{ name: 'FILE', help: 'the document, - for standard input' }],
  examples: [{ line: 'vpc flow import web flows.json', does: 'take over its flows' }],
  async run({ portId: id }, { vpc, output }, [path]) {
    const document = documentIn(path!)
    await using port = await (await vpc()).openPort(id, { write: true })
    const { imported, kept } = await port.importFlows(document)
    const known = kept === 0 ? '' : `; ${kept} had later packets here, and stay as they are`
    done(output, `${unitText(await port.describe())}: ${imported} flows imported${known}`, { id, imported, kept })
  },
})
