/** The policy file: what users other than root may open, as YAML. Unknown words are errors, never ignored. */
import { readFileSync } from 'node:fs'
import { describeIdProblem, parseId, type Id } from '#abi/id.ts'
import { isUnitType, typeNameOf, unitTypes, type UnitType } from '#abi/object-type.ts'
import { accessRights, type AccessRight, type AccessRule } from '#object/access.ts'
import { groupId, userId } from '#system/accounts.ts'
import { fileProblem } from '#system/file-problem.ts'
import { YamlText, type Path } from '#system/yaml-text.ts'

/** An unusable policy, with the place of the error in the file. */
export class PolicyProblem extends Error {
  constructor(file: string, line: number | undefined, problem: string, options?: ErrorOptions) {
    super(`${file}${line === undefined ? '' : `:${line}`}: ${problem}`, options)
    this.name = 'PolicyProblem'
  }
}

type Type = UnitType | 'mgmt'

/** Read a policy. Throws PolicyProblem. */
export function readPolicy(file: string): AccessRule[] {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new PolicyProblem(file, undefined, `cannot be read: ${fileProblem(cause)}`, { cause })
  }
  return parsePolicy(text, file)
}

/** The rules in the text of a policy. Throws PolicyProblem. */
export function parsePolicy(text: string, file: string): AccessRule[] {
  const yaml = new YamlText(text)
  if (yaml.problem !== undefined) throw new PolicyProblem(file, yaml.problem.line, yaml.problem.message)
  return new Reader(file, yaml).rules()
}

class Reader {
  readonly #file: string
  readonly #yaml: YamlText
  readonly #value: unknown

  constructor(file: string, yaml: YamlText) {
    this.#file = file
    this.#yaml = yaml
    try {
      this.#value = yaml.value()
    } catch (cause) {
      throw new PolicyProblem(file, undefined, (cause as Error).message, { cause })
    }
  }

  rules(): AccessRule[] {
    const top = this.#map(this.#value, [], ['rules'])
    return this.#list(top['rules'], ['rules'], 'rules').map((rule, i) => this.#rule(rule, ['rules', i]))
  }

  #rule(value: unknown, path: Path): AccessRule {
    const rule = this.#map(value, path, ['user', 'group', 'types', 'ids', 'rights'])
    if ((rule['user'] === undefined) === (rule['group'] === undefined))
      this.#refuse(path, 'a rule is for a user or for a group: name one of them')
    const words = (key: string): unknown[] | undefined => (rule[key] === undefined ? undefined : this.#list(rule[key], [...path, key], key))
    const types = words('types')?.map((type, i) => this.#type(type, [...path, 'types', i]))
    const ids = words('ids')?.map((id, i) => this.#id(id, [...path, 'ids', i]))
    const rights = words('rights')?.map((right, i) => this.#right(right, [...path, 'rights', i]))
    if (rights === undefined) return this.#refuse(path, `the rule gives no rights; give some of ${accessRights.join(', ')}`)
    return { to: this.#account(rule, path), types: types && new Set(types), ids: ids && new Set(ids), rights: new Set(rights) }
  }

  #account(rule: Readonly<Record<string, unknown>>, path: Path): AccessRule['to'] {
    const key = rule['user'] === undefined ? 'group' : 'user'
    const name = rule[key]
    if (typeof name !== 'string' && !(Number.isSafeInteger(name) && (name as number) >= 0))
      this.#refuse([...path, key], `a ${key} is a name or a number`)
    const found = key === 'user' ? userId(String(name)) : groupId(String(name))
    if (found === undefined) return this.#refuse([...path, key], `this host has no ${key} '${String(name)}'; make it, or write its number`)
    return key === 'user' ? { uid: found } : { gid: found }
  }

  #type(value: unknown, path: Path): Type {
    if (typeof value === 'string' && (isUnitType(value) || value === 'mgmt')) return value
    return this.#refuse(path, `${JSON.stringify(value)} is not an object type; the types are ${[...unitTypes, 'mgmt'].join(', ')}`)
  }

  #id(value: unknown, path: Path): Id {
    const parsed = parseId(String(value))
    if (!parsed.ok) return this.#refuse(path, describeIdProblem(parsed.problem))
    if (typeNameOf(Number.parseInt(parsed.id.slice(21, 23), 16)) === undefined)
      this.#refuse(path, `byte 9 of ${parsed.id} is the code of no type`)
    return parsed.id
  }

  #right(value: unknown, path: Path): AccessRight {
    if (accessRights.includes(value as AccessRight)) return value as AccessRight
    return this.#refuse(path, `${JSON.stringify(value)} is not a right; they are ${accessRights.join(', ')}`)
  }

  #map(value: unknown, path: Path, known: readonly string[]): Readonly<Record<string, unknown>> {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return this.#refuse(path, `the keys here are ${known.join(', ')}`)
    const unknown = Object.keys(value).find((key) => !known.includes(key))
    if (unknown !== undefined) this.#refuse([...path, unknown], `unknown key '${unknown}'; expected one of ${known.join(', ')}`)
    return value as Readonly<Record<string, unknown>>
  }

  #list(value: unknown, path: Path, what: string): unknown[] {
    return Array.isArray(value) ? value : this.#refuse(path, `${what} is a list`)
  }

  #refuse(path: Path, problem: string): never {
    throw new PolicyProblem(this.#file, this.#yaml.lineOf(path), problem)
  }
}
