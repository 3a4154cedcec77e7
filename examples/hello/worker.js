export default {
  async fetch(request, env) {
    const name = decodeURIComponent(new URL(request.url).pathname.slice(1)) || "world";
    return new Response(`${env.GREETING}, ${name}!\n`);
  },
};
