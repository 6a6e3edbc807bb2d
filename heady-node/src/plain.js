// How a value of the caller becomes the text of JSON by which it enters the engine: that text, `undefined` where there is
// nothing, or the `refusal` of what JSON does not have. plain.rs compiles this once for every environment of Node.
//
// Left to itself JSON.stringify says null for NaN and for an invalid date, and passes over a function. An option that is
// one of these would be taken as left out, and what it was to guard would be unguarded. Looking at every value costs many
// times what writing it does, so it is done only where the text may hide something.
;(() => {
  const { stringify } = JSON
  // The engine's reader of JSON goes no deeper.
  const DEEPEST = 127

  const isCode = (value) => typeof value === 'function' || typeof value === 'symbol'

  const namesCode = (options) => {
    if (typeof options !== 'object') return false
    for (const name in options) if (isCode(options[name])) return true
    return false
  }

  // `null` may stand for what has no value, and `\ud` for half a character; both may also be honest.
  const mayHide = (text) => text === undefined || text.includes('null') || text.includes('\\ud')

  // Why a value has no form as JSON, by itself: the rest depends on where it stands.
  const fault = (key, value, raw) => {
    if (!key.isWellFormed()) return 'is a name that is no text: it has a lone surrogate'
    if (typeof value === 'number' || value instanceof Number) {
      return Number.isFinite(Number(value)) ? null : `is ${value}, which JSON does not have`
    }
    if (typeof value === 'bigint') return 'is a BigInt, which JSON does not have'
    if (typeof value === 'string' && !value.isWellFormed()) return 'is no text: it has a lone surrogate'
    // As `toJSON` of dates has it, also of those that libraries make.
    if (value === null && raw !== null && Number.isNaN(raw?.valueOf?.())) return 'is an invalid date'
    return null
  }

  const checked = (root, areOptions) => {
    // Where each object stands that is being looked into.
    const places = new Map()

    const place = (holder, key) => {
      const above = places.get(holder)
      if (!above) return ''
      return place(above.holder, above.key) + (Array.isArray(holder) ? `[${key}]` : `.${key}`)
    }

    const refuse = (holder, key, why) => {
      const where = place(holder, key).replace(/^\./, '')
      throw new Error(`${where ? `\`${where}\`` : 'this'} ${why}`)
    }

    const option = (holder) => {
      const above = places.get(holder)
      return above.depth === 2 ? above : option(above.holder)
    }

    const enter = (holder, key, value) => {
      for (let outer = holder; outer; outer = places.get(outer)?.holder) {
        if (outer === value) refuse(holder, key, 'contains itself')
      }
      const depth = (places.get(holder)?.depth ?? 0) + 1
      if (depth > DEEPEST) {
        const outermost = option(holder)
        refuse(outermost.holder, outermost.key, 'is nested in too many levels')
      }
      places.set(value, { holder, key, depth })
    }

    return stringify(root, function (key, value) {
      const why = fault(key, value, this[key])
      if (why) refuse(this, key, why)
      // Inside of data code is passed over, as everywhere; the names of options are the engine's.
      const depth = places.get(this)?.depth ?? 0
      if (isCode(value) && depth <= (areOptions ? 1 : 0)) refuse(this, key, `is a ${typeof value}`)
      if (typeof value === 'object' && value !== null) enter(this, key, value)
      return value
    })
  }

  return (value, areOptions, look) => {
    try {
      if (!look && !(areOptions && namesCode(value))) {
        const text = stringify(value)
        if (!mayHide(text)) return text
      }
    } catch {
      // What it is, and where, is found below.
    }
    try {
      return checked(value, areOptions)
    } catch (error) {
      return { refusal: `${error?.message ?? error}` }
    }
  }
})()
