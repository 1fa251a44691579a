/** Data as text: as YAML, and as Python. */

export type Data = string | number | boolean | readonly Data[] | { readonly [key: string]: Data }

/** A word that YAML and people read as one; JSON is YAML for all others. */
const scalar = (value: string | number | boolean): string =>
  typeof value === 'string' &&
  /^[A-Za-z][\w. -]*$/.test(value) &&
  !/^(true|false|yes|no|on|off|null|y|n)$/i.test(value) &&
  !value.endsWith(' ')
    ? value
    : JSON.stringify(value)

/** As a block of YAML, which ends with a line end. */
export function yamlOf(data: Data, indent = ''): string {
  if (typeof data !== 'object') return `${indent}${scalar(data)}\n`
  if (Array.isArray(data)) {
    return (data as readonly Data[])
      .map((each) => (typeof each === 'object' ? `${indent}- ${yamlOf(each, `${indent}  `).trimStart()}` : `${indent}- ${scalar(each)}\n`))
      .join('')
  }
  return Object.entries(data as { readonly [key: string]: Data })
    .map(([key, value]) => {
      if (typeof value !== 'object') return `${indent}${key}: ${scalar(value)}\n`
      if (Object.keys(value).length === 0) return `${indent}${key}: ${Array.isArray(value) ? '[]' : '{}'}\n`
      return `${indent}${key}:\n${yamlOf(value, `${indent}  `)}`
    })
    .join('')
}

/** As a literal of Python. */
export function pythonOf(data: Data, depth = 0): string {
  if (typeof data === 'boolean') return data ? 'True' : 'False'
  if (typeof data === 'number') return String(data)
  if (typeof data === 'string') return `'${data.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  if (Array.isArray(data)) return `[${(data as readonly Data[]).map((each) => pythonOf(each)).join(', ')}]`
  const entries = Object.entries(data as { readonly [key: string]: Data })
  if (entries.every(([, value]) => typeof value !== 'object' || Array.isArray(value)) && depth > 0)
    return `{${entries.map(([key, value]) => `'${key}': ${pythonOf(value)}`).join(', ')}}`
  const indent = '    '.repeat(depth + 1)
  return `{\n${entries.map(([key, value]) => `${indent}'${key}': ${pythonOf(value, depth + 1)},\n`).join('')}${'    '.repeat(depth)}}`
}
