/** A point in time. */
export type Timestamp = Date
/** Any JSON value. */
export type Json = any
/** What every call of the engine throws, or rejects its promise with. */
export interface HeadyError extends Error {
  /** The same string in every language. */
  code:
    | 'ABORTED'
    | 'ALREADY_EXISTS'
    | 'CANCELLED'
    | 'DATA_LOSS'
    | 'DEADLINE_EXCEEDED'
    | 'FAILED_PRECONDITION'
    | 'INTERNAL'
    | 'INVALID_ARGUMENT'
    | 'NOT_FOUND'
    | 'PERMISSION_DENIED'
    | 'RESOURCE_EXHAUSTED'
    | 'UNAUTHENTICATED'
    | 'UNAVAILABLE'
  /** Facts beside the message, such as `line` and `column`, or the `current` object of a version conflict. */
  details?: Record<string, Json>
}
/** What `for await` goes over. */
export interface RegistryWatch {
  [Symbol.asyncIterator](): this
}
export interface RunFollow {
  [Symbol.asyncIterator](): this
}
/** A value as its JSON: points in time are texts. */
export type AsJson<T> = 0 extends 1 & T
  ? T
  : T extends Date
    ? string
    : T extends object
      ? { [K in keyof T]: AsJson<T[K]> }
      : T
/** One change of the registry: `kind` says which entry `object` is, as its JSON; a bookmark has none. */
export type RegistryEvent =
  | RegistryChangeOf<'SERVICE', Service>
  | RegistryChangeOf<'NODE', Node>
  | RegistryChangeOf<'WORKFLOW', Workflow>
  | (Pick<RegistryEventFields, 'revision' | 'at'> & {
      change: 'BOOKMARK'
      kind: null
      id: null
      object: null
    })
/** A change of an entry of one kind. */
export type RegistryChangeOf<Kind extends EntryKind, Entry> = Pick<RegistryEventFields, 'revision' | 'at'> & {
  change: Exclude<RegistryChange, 'BOOKMARK'>
  kind: Kind
  id: Id
  object: AsJson<Entry>
}
