// A script that prepares itself once. What it knows when `serialize` is over, its children
// and its snapshots know from their first line on.
const began = Date.now();
const words = new Map();

async function prepare() {
	await new Promise(resolve => setTimeout(resolve, 500)); // stands for a slow service
	words.set('en', 'hello').set('fr', 'bonjour').set('ru', 'привет');
}

addEventListener('serialize', e => e.waitUntil(prepare()));

// Each of those that go on is told here, and has an environment of its own.
let language = 'en';
addEventListener('deserialize', () => { language = aworker.env.WORD ?? 'en'; });

addEventListener('install', () => console.log(`${words.get(language) ?? 'cold'}, ${aworker.argv.join(' ') || 'nobody'}`));
addEventListener('fetch', e => e.respondWith(new Response(`${words.get(language)}\n`)));
