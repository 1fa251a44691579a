/** `vpc login`. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { isName, nameRule } from '#resource/envelope.ts'
import { ApiClient } from '../cloud/api-client.ts'
import { readContexts, writeContexts, type CloudContext } from '../cloud/contexts.ts'
import { command } from '../command.ts'
import { agentStateDir } from '../agent-state-dir.ts'
import { hostTrust } from '../up/host-trust.ts'
import { usageFailure } from '../failure.ts'
import { text } from '../option.ts'
import { done } from '../outcome.ts'

export default command({
  path: 'login',
  summary: 'log in to a cloud, with a token',
  description: `The token comes from --token-file, else from standard input: never from the command line, which others can read. The command
    asks the API who you are, then writes the token into the file vpc/contexts.json below XDG_CONFIG_HOME or ~/.config, which you alone
    can read. vpc cloud then asks this cloud. On a host of a cloud that vpc up started, the API is known by the CA of that cloud.`,
  options: {
    server: text('URL of the API; of several APIs of the cloud, all, with commas between', 'URL,…').required,
    tokenFile: text('file with the token; standard input, unless given', 'FILE', 'file'),
    ca: text('file with the certificate authority of the API, if none that this machine trusts has signed its certificate', 'FILE', 'file'),
    serverName: text('name in the certificate of the API', 'NAME').defaultsTo('that of the URL'),
    agentStateDir,
    name: text('name of the context', 'NAME').default('default'),
  },
  examples: [
    {
      line: 'vpc login --server=http://127.0.0.1:7473 --token-file=/var/lib/vpc/admin-token',
      does: 'to the API of this machine, as its first admin',
    },
  ],
  async run({ server, tokenFile, ca, serverName, agentStateDir: stateDir, name }, { output }) {
    if (!isName(name)) throw usageFailure(`--name: '${name}' is not a name; ${nameRule}`)
    const token = readFileSync(tokenFile ?? 0, 'utf8').trim()
    if (token === '') throw usageFailure('there is no token in what was read')
    const trust = ca === undefined ? hostTrust(server, stateDir) : { ca: resolve(ca) }
    const context: CloudContext = { server, token, ...trust, ...(serverName !== undefined && { serverName }) }
    const { body } = await new ApiClient(context).must<{ principal: { name: string }; account: { name: string } | null }>(
      'log in',
      'GET',
      '/whoami',
    )
    const { contexts } = readContexts()
    writeContexts({ current: name, contexts: { ...contexts, [name]: context } })
    const { principal, account } = body
    done(output, `logged in to ${server} as ${principal.name}${account === null ? '' : ` of account ${account.name}`}`, {
      context: name,
      ...body,
    })
  },
})
