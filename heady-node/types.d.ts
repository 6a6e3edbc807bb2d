/** The name of a stored thing: a UUID (version 7) where the engine chose it, text where the user did. */
export type Id = string
/** A point in time. */
export type Timestamp = Date
/** Any JSON value. */
export type Json = any

