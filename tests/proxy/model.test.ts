import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findModel, findModelInPath, renameModel, renameModelInPath } from '../../proxy/model.ts'

const find = (text: string) => findModel(Buffer.from(text))?.model ?? null

describe('the model of a request', () => {
  it('is found first, last, and behind nested values that mention a model themselves', () => {
    expect(find('{"model":"a"}')).toBe('a')
    expect(find(' { "messages" : [{"model":"no","x":"}]\\"{"}] , "n":1.5e3,"t":true, "model" : "b\\u0041" , "z":1}')).toBe('bA')
  })
  it.each([
    '',
    '[]',
    '{}',
    '{"model":1}',
    '{"messages":["model"',
    '{"a":{"model":"no"}}',
    'model',
    '{"model":"cut',
    '\u0000\u0001',
  ])('is null in %j', text => {
    expect(find(text)).toBeNull()
  })
  it('agrees with a JSON parser on every object, wherever the key stands', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.nat(), (object, model, position) => {
        const entries = Object.entries(object).filter(([key]) => key !== 'model' && key !== '__proto__')
        entries.splice(position % (entries.length + 1), 0, ['model', model])
        const spaces = position % 2 === 0 ? 2 : 0
        expect(find(JSON.stringify(Object.fromEntries(entries), null, spaces))).toBe(model)
      }),
    )
  })
  it('never throws on arbitrary bytes', () => {
    fc.assert(fc.property(fc.uint8Array(), bytes => void findModel(bytes)))
  })
  it('is found in paths that carry it', () => {
    expect(findModelInPath('/v1beta/models/gemini-3-pro:streamGenerateContent')).toBe('gemini-3-pro')
    expect(findModelInPath('/model/anthropic.claude%3A1/invoke')).toBe('anthropic.claude:1')
    expect(findModelInPath('/model/us.anthropic.claude-x-v1:0/invoke-with-response-stream')).toBe('us.anthropic.claude-x-v1:0')
    expect(findModelInPath('/model/arn:aws:bedrock:us-east-1:1:inference-profile/a.b-v1:0/converse')).toBe(
      'arn:aws:bedrock:us-east-1:1:inference-profile/a.b-v1:0',
    )
    expect(findModelInPath('/v1/models')).toBeNull()
  })
  it('is renamed in the path', () => {
    expect(renameModelInPath('/v1beta/models/a%20b:generateContent', 'c/d@1')).toBe('/v1beta/models/c%2Fd@1:generateContent')
    expect(renameModelInPath('/model/a%3A0/converse', 'b:0')).toBe('/model/b%3A0/converse')
    expect(renameModelInPath('/v1/messages', 'x')).toBe('/v1/messages')
  })
  it('is renamed in place without touching another byte', () => {
    const body = Buffer.from('{"a":"ü","model":"old","m":"old"}')
    const place = findModel(body)
    expect(place).not.toBeNull()
    expect(Buffer.from(renameModel(body, place!, 'n"ew')).toString()).toBe('{"a":"ü","model":"n\\"ew","m":"old"}')
  })
})
