// POST /<book> counts the words of a text into a book, GET /<book>?word=x asks for one.
export class Book {
  constructor(state) {
    this.storage = state.storage;
  }

  async fetch(request) {
    if (request.method === "POST") {
      const count = new WordCount(await request.text());
      for (const word of count.words()) {
        await this.storage.put(word, ((await this.storage.get(word)) ?? 0) + count.of(word));
      }
      return Response.json({ added: count.total });
    }
    const word = new URL(request.url).searchParams.get("word");
    return Response.json({ [word]: (await this.storage.get(word)) ?? 0 });
  }
}

export default {
  fetch(request, env) {
    return env.BOOK.get(env.BOOK.idFromName(new URL(request.url).pathname)).fetch(request);
  },
};
