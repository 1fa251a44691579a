/** `vpc whoami`. */
import { ApiClient } from '../cloud/api-client.ts'
import { chosenContext } from '../cloud/contexts.ts'
import { command } from '../command.ts'
import { text } from '../option.ts'

/** A role, and where it holds: in the whole cloud, or in an organization, an account or a vpc. */
interface Role {
  readonly role: string
  readonly org: string | null
  readonly account: string | null
  readonly vpc: string | null
  /** The id of that; null: of the whole cloud. An API before this version does not say it. */
  readonly scopeId?: string | null
}

interface WhoAmI {
  readonly principal: { readonly id: string; readonly name: string }
  readonly account: { readonly id: string; readonly name: string } | null
  readonly token: { readonly id: string; readonly expires: string | null }
  readonly roles: readonly Role[]
}

export default command({
  path: 'whoami',
  summary: 'show who you are in a cloud, and what you may do there',
  description: `Asks the API whose token yours is: the principal, its account, when the token ends, and the roles, each with where it
    holds. It also says which context and which server were asked.`,
  options: { context: text('the cloud to ask, of those that you are logged in to', 'NAME') },
  examples: [{ line: 'vpc whoami', does: 'of the current context' }],
  async run({ context: given }, { output }) {
    const { name, context } = chosenContext(given)
    const { body } = await new ApiClient(context).must<WhoAmI>('say who you are', 'GET', '/whoami')
    const { principal, account, token, roles } = body
    output.result({ context: name, server: context.server, principal, account, token, roles }, () =>
      [
        `${principal.name}${account === null ? '' : ` of account ${account.name}`}`,
        ...(roles.length === 0 ? ['no roles: ask an admin for a role binding'] : roles.map(roleText)),
        token.expires === null ? 'the token does not expire' : `the token expires at ${token.expires}`,
        `asked ${context.server}, ${name === null ? 'which VPC_API names' : `context ${name}`}`,
      ].join('\n'),
    )
  },
})

function roleText({ role, org, account, vpc }: Role): string {
  const place = vpc === null ? (account === null ? (org === null ? undefined : `org ${org}`) : `account ${account}`) : `vpc ${vpc}`
  return `${role} ${place === undefined ? 'of the whole cloud' : `of ${place}`}`
}
