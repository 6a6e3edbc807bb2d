/** A point in time. */
export type Timestamp = Date
/** Any JSON value. */
export type Json = any
/** What `for await` goes over. */
export interface RegistryWatch {
  [Symbol.asyncIterator](): this
}
export interface RunFollow {
  [Symbol.asyncIterator](): this
}
