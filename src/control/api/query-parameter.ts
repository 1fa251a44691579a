/** Parameters of queries in the OpenAPI document. */

type Json = Record<string, any>

/** One parameter: text, unless it has another schema. */
export const query = (name: string, description: string, schema: Json = { type: 'string' }): Json => ({
  name,
  in: 'query',
  description,
  schema,
})
