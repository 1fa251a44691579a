/** `vpc cloud KIND create|get|list|set|destroy`: the commands of all kinds, made from their tables. */
import { isName } from '#resource/envelope.ts'
import type { Kind } from '#resource/kind.ts'
import { findKind } from '#resource/kinds.ts'
import { command, type Command } from '../command.ts'
import { addOptions } from './added-items.ts'
import { createResource, destroyResource, getResource, listResources, setResource } from './resource-actions.ts'
import { flag, text, valueOption, type Options } from '../option.ts'
import { failure, success } from '#wire/result.ts'
import { fieldOptions, optionKey } from './field-options.ts'
import { waiting } from './waiting.ts'

export const verbs = ['create', 'list', 'get', 'set', 'destroy'] as const
export type Verb = (typeof verbs)[number]

export const common = {
  context: text('the cloud to ask, of those that you are logged in to', 'NAME'),
}
const label = valueOption<readonly [string, string]>('a label', {
  placeholder: 'KEY=VALUE',
  parse: (given) => {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(given) ?? []
    return key === '' ? failure(`'${given}' is not KEY=VALUE`) : success([key, value] as const)
  },
}).repeated
const envelope = {
  description: text('a note for people', 'TEXT'),
  label,
  protected: valueOption<boolean>('refuse to destroy it', {
    placeholder: 'true|false',
    completion: { words: ['true', 'false'] },
    parse: (given) => (given === 'true' || given === 'false' ? success(given === 'true') : failure(`'${given}' is neither true nor false`)),
  }),
}
export const dryRun = flag('check everything, say what would be, and change nothing')

const cascade = {
  cascade: flag('take along what is in it; --dry-run lists that'),
  unplug: flag('with --cascade: also what is plugged in on a host'),
}

/** Options that tell things of one name apart. */
export function whose({ kind, fields, wall }: Kind): Options {
  const home = ['account', 'vpc', 'subnet', 'region', 'facility', 'principal'].filter((name) => {
    const field = fields[name]
    return field?.type === 'reference' && kind !== name
  })
  const walls = wall === 'account' && kind !== 'account' ? ['account', ...(home.includes('subnet') ? ['vpc'] : [])] : []
  return Object.fromEntries([...new Set([...home, ...walls])].map((name) => [name, text(`only in this ${name}`, 'NAME', { names: name })]))
}

const article = (kind: string): string => `${/^[aeo]/.test(kind) ? 'an' : 'a'} ${kind.replaceAll('-', ' ')}`

/** The command of a kind and a verb. */
export function resourceCommand(name: string, verb: Verb): Command {
  const kind = findKind(name)!
  return makers[verb](kind, `cloud ${name} ${verb}`)
}

export const target = { name: 'NAME', help: 'its name or id' }

const makers: Readonly<Record<Verb, (kind: Kind, path: string) => Command>> = {
  create: (kind, path) =>
    command({
      path,
      summary: `create ${article(kind.kind)}`,
      description: `What is left out has its default, or the API chooses it. If ${article(kind.kind)} of this name exists and is as asked,
        nothing changes; if it differs, the command says so.`,
      positionals: [{ name: 'NAME', help: 'its name: small letters, digits and dashes', isOptional: !kind.named }],
      options: {
        ...fieldOptions(kind.fields),
        id: text('its id; chosen by the API, unless given', 'UUID'),
        ...envelope,
        file: text('a file with the body in JSON or YAML; options override what it says', 'FILE', 'file').short('f'),
        dryRun,
        ...waiting,
        ...common,
      },
      run: (values, { output }, [given]) => createResource(kind, given, values, output),
    }),
  list: (kind, path) =>
    command({
      path,
      summary: `list ${kind.plural.replaceAll('-', ' ')}`,
      options: { ...whose(kind), ...(isOnHost(kind) && onHost), label: label.help('only with this label'), ...common },
      run: (values, { output }) => listResources(kind, listedOf(kind, values), output, values),
    }),
  get: (kind, path) =>
    command({
      path,
      summary: `show ${article(kind.kind)}`,
      positionals: [target],
      options: { ...whose(kind), ...common },
      run: (values, { output }, [given]) => getResource(kind, given!, whoseOf(kind, values), output, values),
    }),
  set: (kind, path) =>
    command({
      path,
      summary: `change ${article(kind.kind)}`,
      description: 'What is not named stays as it is. A list is replaced as a whole; options that begin with --add add to it.',
      positionals: [target],
      options: {
        ...whose(kind),
        ...fieldOptions(kind.fields, ({ immutable }) => immutable !== true),
        ...addOptions(kind),
        rename: valueOption<string>('a new name', {
          placeholder: 'NAME',
          parse: (given) => (isName(given) ? success(given) : failure(`'${given}' is not a name`)),
        }),
        ...envelope,
        unset: text('take away what a field or label.KEY says; may be a list, which is then empty', 'FIELD').repeated,
        dryRun,
        ...waiting,
        ...common,
      },
      run: (values, { output }, [given]) => setResource(kind, given!, whoseOf(kind, values), values, output),
    }),
  destroy: (kind, path) =>
    command({
      path,
      summary: `destroy ${article(kind.kind)}`,
      description: 'What others use stays: the error names them. Destroying what does not exist changes nothing.',
      positionals: [target],
      options: { ...whose(kind), ...(kind.cascades && cascade), dryRun, ...waiting, ...common },
      run: (values, { output }, [given]) => destroyResource(kind, given!, whoseOf(kind, values), values, output),
    }),
}

/** Kinds of which each is on one host. */
const isOnHost = ({ kind }: Kind): boolean => kind === 'vnic' || kind === 'vm'
const onHost = { host: text('only on this host', 'NAME', { names: 'host' }) }

function listedOf(kind: Kind, values: Readonly<Record<string, unknown>>): URLSearchParams {
  const query = whoseOf(kind, values)
  if (isOnHost(kind) && typeof values.host === 'string') query.set('host', values.host)
  return query
}

/** The words of a query. A field of the kind that `set` changes is no such word. */
export function whoseOf(kind: Kind, values: Readonly<Record<string, unknown>>): URLSearchParams {
  const query = new URLSearchParams()
  for (const name of Object.keys(whose(kind))) {
    const field = kind.fields[name]
    const isChanged =
      field !== undefined && !field.immutable && optionKey(name, field) === name && values.rename === undefined && 'unset' in values
    if (typeof values[name] === 'string' && !isChanged) query.set(name, values[name])
  }
  return query
}
