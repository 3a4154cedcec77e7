package serialize

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"workerd.local/event"
)

// journal prints each event of a worker's life, and when its extension is over.
const journal = `
const seen = ['main'];
for (const type of ['serialize', 'deserialize', 'install']) {
	addEventListener(type, e => {
		seen.push(type);
		e.waitUntil((async () => { await null; seen.push(type + ' over'); if (type === 'install') console.log(seen.join(' ')); })());
	});
}
`

func TestOrderOfANormalWorker(t *testing.T) {
	b := newBench(t, journal)
	b.want(Run(b.ctx(), b.o, nil), 0, "main install install over")
}

func TestOrderOfASeedThatNobodyForks(t *testing.T) {
	b := newBench(t, journal)
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "main serialize serialize over deserialize deserialize over install install over")
	b.wantErr(notForkable)
}

func TestBareSeedStartsAsANormalWorker(t *testing.T) {
	b := newBench(t, journal)
	b.want(RunSeed(b.ctx(), b.o, SeedBare, nil), 0, "main install install over")
	b.wantErr(notForkable)
}

func TestIntervalGoesOnInTheChild(t *testing.T) {
	b := newBench(t, `
		const seen = ['main'];
		let timer, tick;
		const ticked = new Promise(r => tick = r);
		addEventListener('serialize', () => {
			seen.push('serialize');
			timer = setInterval(() => { clearInterval(timer); seen.push('tick'); tick(); }, 20);
		});
		addEventListener('deserialize', () => seen.push('deserialize'));
		addEventListener('install', e => {
			seen.push('install');
			e.waitUntil(ticked.then(() => { seen.push('over'); console.log(seen.join(' ')); }));
		});`)
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "main serialize deserialize install tick over")
}

func TestFetchUnderWayFailsInTheChild(t *testing.T) {
	b := newBench(t, `
		const seen = ['main'];
		let pending;
		addEventListener('serialize', () => {
			seen.push('serialize');
			pending = fetch('http://slow.example/').then(() => 'answered', e => e instanceof TypeError && e.message.includes('CanonicalCode::CONNECTION_RESET') ? 'rejected' : String(e));
		});
		addEventListener('deserialize', e => { seen.push('deserialize'); e.waitUntil(pending.then(v => seen.push(v))); });
		addEventListener('install', () => { seen.push('install'); console.log(seen.join(' ')); });`)
	b.o.Outbound = service(func(ctx context.Context, _ *event.Request) (*event.Response, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "main serialize deserialize rejected install")
}

func TestTimerThatTheChildClearsDoesNotKeepIt(t *testing.T) {
	b := newBench(t, `
		const seen = ['main'];
		const timer = setTimeout(() => { throw new Error('too late') }, 10_000);
		addEventListener('serialize', () => seen.push('serialize'));
		addEventListener('deserialize', () => { seen.push('deserialize'); clearTimeout(timer); });
		addEventListener('install', () => { seen.push('install'); console.log(seen.join(' ')); });`)
	began := time.Now()
	b.want(RunSeed(b.ctx(), b.o, SeedUserland, nil), 0, "main serialize deserialize install")
	if took := time.Since(began); took > 8*time.Second {
		t.Fatalf("it took %s", took)
	}
}

func TestSnapshotGoesOnInOrder(t *testing.T) {
	blob := filepath.Join(t.TempDir(), "a.blob")
	b := newBench(t, `
		globalThis.made = { by: 'the build' };
		console.log('while it is built');
		const seen = [];
		addEventListener('deserialize', e => { seen.push('deserialized'); e.waitUntil(Promise.resolve().then(async () => { seen.push('deserialization over'); })); });
		addEventListener('install', e => { seen.push('install'); e.waitUntil(Promise.resolve().then(() => { console.log(seen.join(' '), made.by); })); });`)
	b.want(Build(b.ctx(), b.o, blob, time.Second), 0, "while it is built")
	c := newBench(t, journal) // the script in the command line does not count
	c.want(RunSnapshot(c.ctx(), c.o, blob, nil), 0, "deserialized deserialization over install the build")
	if c.err.String() != "" {
		t.Fatal(c.err.String())
	}
}
