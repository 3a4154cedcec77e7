package cache

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"workerd.local/exception"
	"workerd.local/gates"
	"workerd.local/loop"
	"workerd.local/storage"
)

// story runs one transcript: a cache whose storage is the transcript itself, so
// that it decides when and how each call is answered. Each line is one turn;
// several steps of one turn are separated by " ; ".
//
//	get KEY | getm KEY... | list [start=K] [end=K] [limit=N] [reverse]
//	put K=V... | delete KEY... | deleteall [alarm]
//	alarm | setalarm MS|none | arm MS | done | keep N | abandon MS
//	    with nocache and unconfirmed where they apply; V may be <N>: N bytes;
//	    "" is the empty key
//	cycle N MS    arm and keep, N times | fill N BYTES  puts N keys
//	sync | gate | watch | shutdown [TEXT] | close | stale SECONDS | dump | bytes
//	interrupt       roll back the turn, with what its line has done so far
//	later STEP      in the same turn, after what was deferred
//	begin T [in T] | T.get ... | T.commit | T.rollback
//	NAME: STEP    names what STEP returns | drop NAME: nobody wants it any more
//
// The calls on storage are numbered; these answer them:
//
//	#N K=V...     what a get found (then it is done), or the next part of a list
//	#N part K=V.. the next part of a get
//	#N none       a get that found nothing
//	#N end        the end of a list, or of a get in parts
//	#N ok [N...]  a commit, with what its counted deletes found; "cleared": the alarm
//	#N at MS      an alarm (0: none)
//	#N gone [N..] not reachable, may be tried again; a commit with what it found (-: not yet)
//	#N fail TEXT  a failure for internal eyes; #N throw TEXT one for all eyes
//
// dump shows the entries: key=value, key- (absent), key? (unknown), with * dirty,
// > flushing, ~ held, ^ pinned; and the gaps between: -- nothing in storage,
// .. who knows.
type story struct {
	t    testing.TB
	l    *loop.Loop
	now  time.Time
	c    *Cache
	lru  *SharedLRU
	out  *gates.OutputGate
	txns map[string]*Txn
	run  *AlarmRun
	name string // of what the step returns
	drop map[string]func()
	log  strings.Builder
	// storage
	instant bool
	calls   []*call
}

type call struct {
	over   bool // the cache canceled it
	get    *loop.Future[struct{}]
	list   *loop.Future[struct{}]
	batch  func([]storage.KV) error
	commit *loop.Future[CommitInfo]
	alarm  *loop.Future[storage.Due]
}

func newStory(t testing.TB, args []datadriven.CmdArg) *story {
	s := &story{t: t, now: time.Unix(1000, 0), txns: map[string]*Txn{}, drop: map[string]func(){}}
	s.l = loop.New(loop.Options{Now: func() time.Time { return s.now }})
	o := LRUOptions{SoftBytes: 512 << 10, HardBytes: 1 << 20, StaleAfter: time.Second, DirtyBytes: 64 << 10}
	co := Options{OnInternalError: func(ref string, err error) { s.sayf("log: %v", err) }}
	for _, a := range args {
		size := func() int {
			if v, ok := strings.CutSuffix(a.Vals[0], "e"); ok { // entries of three bytes each
				n, err := strconv.ParseFloat(v, 64)
				must(t, err)
				return int(n * float64(entryBytes+6))
			}
			return number(t, a.Vals[0])
		}
		switch a.Key {
		case "soft":
			o.SoftBytes = size()
		case "hard":
			o.HardBytes = size()
		case "dirty":
			o.DirtyBytes = size()
		case "limits":
			co.Limits = ActorLimits(nil)
		case "instant":
			s.instant = true
		case "keys":
			co.BatchKeys = size()
		case "bytes":
			co.BatchBytes = size()
		case "memory": // nothing is written
			co.NeverFlush = true
		case "name":
			co.Name = a.Vals[0]
		case "alarms": // what the scheduler is told is shown
			co.OnAlarm = func(t time.Time, stored bool) {
				if stored {
					s.sayf("alarm is stored: %s", showTime(t))
					return
				}
				s.sayf("alarm is set: %s", showTime(t))
			}
		default:
			t.Fatalf("unknown option %q", a.Key)
		}
	}
	s.out = gates.NewOutputGate(s.l)
	s.lru = NewSharedLRU(o)
	s.lru.EvictStale(s.now)
	s.c = New(s.l, s, s.lru, s.out, co)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func number(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	must(t, err)
	return n
}

var reference = regexp.MustCompile(`reference = [a-z0-9]{24}\b`)

func (s *story) sayf(format string, args ...any) {
	line := reference.ReplaceAllString(fmt.Sprintf(format, args...), "reference = <24 characters>")
	s.log.WriteString(line + "\n")
}

// The backend.

func (s *story) called(c *call, format string, args ...any) {
	s.calls = append(s.calls, c)
	s.sayf("#%d %s", len(s.calls), fmt.Sprintf(format, args...))
}

func (s *story) Instant() bool { return s.instant }

func (s *story) Get(keys []string, batch func([]storage.KV) error) loop.Result[struct{}] {
	if s.instant { // a storage that has nothing
		s.sayf("reads %s", showKeys(keys))
		return loop.Now(struct{}{})
	}
	c := &call{get: loop.NewFuture[struct{}](s.l), batch: batch}
	c.get.OnCancel(s.canceled(c))
	s.called(c, "get %s", showKeys(keys))
	return loop.Later(c.get)
}

// canceled reports that the cache does not want the answer any more.
func (s *story) canceled(c *call) func() {
	n := len(s.calls) + 1
	return func() {
		c.over = true
		s.sayf("#%d is canceled", n)
	}
}

func (s *story) List(r storage.Range, batch func([]storage.KV) error) loop.Result[struct{}] {
	c := &call{list: loop.NewFuture[struct{}](s.l), batch: batch}
	c.list.OnCancel(s.canceled(c))
	text := "list from " + showKey(r.Start)
	if r.End != "" {
		text += " to " + showKey(r.End)
	}
	if r.Limit > 0 {
		text += fmt.Sprintf(" limit %d", r.Limit)
	}
	if r.Reverse {
		text += " reverse"
	}
	s.called(c, "%s", text)
	return loop.Later(c.list)
}

func (s *story) Commit(b *Batch) loop.Result[CommitInfo] {
	c := &call{commit: loop.NewFuture[CommitInfo](s.l)}
	var parts []string
	group := -1
	for p := range b.Parts() {
		switch {
		case p.Count != nil && p.Group == group:
			parts[len(parts)-1] += " | " + showKeys(p.Count) // the same call of Delete
		case p.Count != nil:
			parts = append(parts, "count and delete "+showKeys(p.Count))
			group = p.Group
		case p.DelAll:
			parts = append(parts, "delete all")
		case p.Del != nil:
			parts = append(parts, "delete "+showKeys(p.Del))
		case p.Put != nil:
			parts = append(parts, "put "+showKVs(p.Put))
		default:
			parts = append(parts, showAlarm(p.Alarm))
		}
	}
	s.called(c, "commit: %s", strings.Join(parts, "; "))
	return loop.Later(c.commit)
}

func showAlarm(a storage.AlarmChange) string {
	switch a.Op {
	case storage.AlarmClear:
		return "clear alarm"
	case storage.AlarmClearIf:
		return "clear alarm " + showTime(a.Time)
	}
	text := "set alarm " + showTime(a.Time)
	if a.Retries > 0 {
		text += fmt.Sprintf(" (retry %d)", a.Retries)
	}
	if a.Name != "" {
		text += " for " + a.Name
	}
	return text
}

func (s *story) Alarm() loop.Result[storage.Due] {
	c := &call{alarm: loop.NewFuture[storage.Due](s.l)}
	c.alarm.OnCancel(s.canceled(c))
	s.called(c, "alarm")
	return loop.Later(c.alarm)
}

// answer settles a call.
func (s *story) answer(words []string) {
	i := number(s.t, words[0][1:]) - 1 // as they are shown
	if i >= len(s.calls) {
		s.t.Fatalf("%s: there is no such call yet", words)
	}
	c := s.calls[i]
	fits := func(ok bool) {
		if !ok && !c.over {
			s.t.Fatalf("%s: not an answer to that call", words)
		}
	}
	fail := func(err error) {
		switch {
		case c.get != nil:
			fits(c.get.Reject(err))
		case c.list != nil:
			fits(c.list.Reject(err))
		case c.commit != nil:
			fits(c.commit.Reject(err))
		default:
			fits(c.alarm.Reject(err))
		}
	}
	rest := strings.Join(words[min(2, len(words)):], " ")
	switch words[1] {
	case "gone":
		if c.commit == nil || len(words) == 2 {
			fail(errGone)
			return
		}
		info := CommitInfo{}
		for _, w := range words[2:] {
			n := -1
			if w != "-" {
				n = number(s.t, w)
			}
			info.Deleted = append(info.Deleted, n)
		}
		fits(c.commit.Settle(info, errGone))
	case "fail":
		fail(errors.New(rest))
	case "throw":
		fail(exception.Errorf("%s", rest))
	case "end":
		fits(c.list != nil && c.list.Resolve(struct{}{}) || c.get != nil && c.get.Resolve(struct{}{}))
	case "at":
		d := storage.Due{}
		if n := number(s.t, words[2]); n > 0 {
			d.Time = time.UnixMilli(int64(n))
		}
		fits(c.alarm != nil && c.alarm.Resolve(d))
	case "ok":
		info := CommitInfo{}
		for _, w := range words[2:] {
			if w == "cleared" {
				info.AlarmCleared = true
				continue
			}
			info.Deleted = append(info.Deleted, number(s.t, w))
		}
		fits(c.commit != nil && c.commit.Resolve(info))
	case "none":
		fits(c.get != nil && c.get.Resolve(struct{}{}))
	case "part":
		fits(c.get != nil)
		s.hand(c, words)
	default:
		s.hand(c, words)
		fits(c.list != nil || c.get != nil && c.get.Resolve(struct{}{}))
	}
}

// hand gives the cache a batch.
func (s *story) hand(c *call, words []string) {
	kvs, _, _ := s.pairs(words[1:])
	if err := c.batch(kvs); err != nil {
		s.sayf("%s is refused: %s", words[0], describeError(err))
	}
}

// Showing and reading.

func showKey(k string) string {
	if k == "" {
		return `""`
	}
	return strings.ReplaceAll(k, "\x00", `\0`)
}

func showKeys(keys []string) string {
	var out []string
	for _, k := range keys {
		out = append(out, showKey(k))
	}
	return strings.Join(out, " ")
}

func showValue(v []byte) string {
	if len(v) > 20 {
		return fmt.Sprintf("<%d>", len(v))
	}
	return string(v)
}

func showKVs(kvs []storage.KV) string {
	var out []string
	for _, kv := range kvs {
		out = append(out, showKey(kv.Key)+"="+showValue(kv.Value))
	}
	switch n := len(out); {
	case n == 0:
		return "nothing"
	case n > 20:
		return fmt.Sprintf("%d keys from %s to %s", n, out[0], out[n-1])
	}
	return strings.Join(out, " ")
}

func showTime(t time.Time) string {
	if t.IsZero() {
		return "none"
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}

func readKey(w string) string {
	if w == `""` {
		return ""
	}
	return strings.ReplaceAll(w, `\0`, "\x00")
}

// pairs reads the words of a step: K=V pairs, keys, and options.
func (s *story) pairs(words []string) (kvs []storage.KV, keys []string, opts map[string]bool) {
	opts = map[string]bool{}
	for _, w := range words {
		k, v, pair := strings.Cut(w, "=")
		switch {
		case w == "nocache" || w == "unconfirmed" || w == "reverse":
			opts[w] = true
		case !pair:
			keys = append(keys, readKey(w))
		default:
			if strings.HasPrefix(v, "<") {
				v = strings.Repeat("x", number(s.t, strings.Trim(v, "<>")))
			}
			kvs = append(kvs, storage.KV{Key: readKey(k), Value: []byte(v)})
		}
	}
	return kvs, keys, opts
}

// tell reports a result when it comes.
func tell[T any](s *story, label string, r loop.Result[T], show func(T) string) {
	if _, _, ok := r.Ready(); !ok {
		s.sayf("%s: waits", label)
	}
	if s.name != "" {
		s.drop[s.name] = r.Cancel
	}
	r.Then(func(v T, err error) {
		if err != nil {
			s.sayf("%s: %s", label, describeError(err))
			return
		}
		s.sayf("%s: %s", label, show(v))
	})
}

func describeError(err error) string {
	var e *exception.Exception
	if errors.Is(err, loop.ErrCanceled) {
		return "nobody wants it any more"
	}
	if !errors.As(err, &e) {
		return "internal error: " + err.Error()
	}
	text := e.Error()
	if e.Broken != exception.NotBroken {
		text += " (" + string(e.Broken) + ")"
	}
	if e.Retryable() {
		text += " (retryable)"
	}
	if e.Overloaded() {
		text += " (overloaded)"
	}
	return text
}

func ready(struct{}) string { return "done" }

func (s *story) moment(w string) time.Time {
	if w == "none" {
		return time.Time{}
	}
	return time.UnixMilli(int64(number(s.t, w)))
}

func (s *story) step(text string) {
	words := strings.Fields(text)
	if strings.HasPrefix(words[0], "#") {
		s.answer(words)
		return
	}
	if name, named := strings.CutSuffix(words[0], ":"); named {
		s.name = name
		s.step(strings.Join(words[1:], " "))
		s.name = ""
		return
	}
	var ops Ops = s.c
	verb := words[0]
	if name, v, ok := strings.Cut(verb, "."); ok {
		ops, verb = s.txns[name], v
	}
	kvs, keys, opts := s.pairs(words[1:])
	ro := ReadOptions{NoCache: opts["nocache"]}
	wo := WriteOptions{NoCache: opts["nocache"], AllowUnconfirmed: opts["unconfirmed"]}
	switch verb {
	case "get":
		tell(s, text, ops.Get(keys[0], ro), func(v []byte) string {
			if v == nil {
				return "absent"
			}
			return showValue(v)
		})
	case "getm":
		tell(s, text, ops.GetMany(keys, ro), showKVs)
	case "list":
		r := storage.Range{Reverse: opts["reverse"]}
		for _, kv := range kvs {
			switch kv.Key {
			case "start":
				r.Start = readKey(string(kv.Value))
			case "end":
				r.End = readKey(string(kv.Value))
			case "limit":
				r.Limit = number(s.t, string(kv.Value))
			}
		}
		tell(s, text, ops.List(r, ro), showKVs)
	case "put":
		s.quiet(text, ops.Put(kvs, wo))
	case "delete":
		tell(s, text, ops.Delete(keys, wo), strconv.Itoa)
	case "deleteall":
		s.quiet(text, s.c.DeleteAll(DeleteAllOptions{WriteOptions: wo, DeleteAlarm: slices.Contains(keys, "alarm")}))
	case "alarm":
		tell(s, text, ops.Alarm(ro), showTime)
	case "setalarm":
		s.quiet(text, ops.SetAlarm(s.moment(keys[0]), wo))
	case "arm":
		if run := s.c.ArmAlarm(s.moment(keys[0])); run == nil {
			s.sayf("%s: must not run", text)
		} else {
			s.run = run
		}
	case "done":
		s.run.Done(wo)
	case "keep":
		s.run.Keep(number(s.t, keys[0]), wo)
	case "cycle": // runs of the handler that fail, none of which counts
		for range number(s.t, keys[0]) {
			if s.run = s.c.ArmAlarm(s.moment(keys[1])); s.run == nil {
				s.t.Fatalf("%s: must not run", text)
			}
			s.run.Keep(0, wo)
			s.check(text)
		}
	case "abandon":
		s.sayf("%s: %s", text, showTime(s.c.AbandonAlarm(s.moment(keys[0]), wo)))
	case "sync":
		tell(s, text, s.c.Sync(), ready)
	case "gate":
		tell(s, text, s.out.Wait(), func(struct{}) string { return "open" })
	case "watch":
		s.out.OnBroken(func(err error) { s.sayf("gate broken: %s", describeError(err)) })
	case "shutdown":
		var err error
		if len(words) > 1 {
			err = exception.Errorf("%s", strings.Join(words[1:], " "))
		}
		s.c.Shutdown(err)
	case "fill": // puts keys 0 and up, with values of that many bytes
		for i := range number(s.t, keys[0]) {
			s.quiet(text, s.c.Put([]storage.KV{{Key: strconv.Itoa(i), Value: make([]byte, number(s.t, keys[1]))}}, wo))
		}
	case "close":
		s.c.Close(nil)
	case "drop":
		s.drop[keys[0]]()
	case "later":
		s.l.Defer(func() { s.step(strings.Join(words[1:], " ")) })
	case "interrupt":
		s.c.Rollback(exception.Errorf("stopped"))
	case "stale":
		s.now = s.now.Add(time.Duration(number(s.t, keys[0])) * time.Second)
		s.quiet(text, s.c.EvictStale(s.now))
	case "dump":
		s.sayf("%s", s.dump())
	case "bytes":
		s.sayf("%d entries, dirty %v, memory %v", s.c.Len(), s.c.DirtyBytes() > 0, s.lru.Bytes() > 0)
	case "begin":
		if len(keys) == 3 {
			ops = s.txns[keys[2]]
		}
		s.txns[keys[0]] = ops.Begin()
	case "commit":
		s.quiet(text, ops.(*Txn).Commit())
	case "rollback":
		if err := ops.(*Txn).Rollback(); err != nil {
			s.sayf("%s: %s", text, describeError(err))
		}
	default:
		s.t.Fatalf("unknown step %q", text)
	}
}

// quiet is tell for what is normally done at once, and then not worth a line.
func (s *story) quiet(text string, r loop.Result[struct{}]) {
	if _, err, ok := r.Ready(); ok && err == nil {
		return
	}
	tell(s, text, r, ready)
}

func (s *story) dump() string {
	var b strings.Builder
	if s.c.first == nil {
		return "empty"
	}
	for e := s.c.first; e != nil; e = e.next {
		b.WriteString(showKey(e.key))
		switch e.status {
		case present:
			b.WriteString("=" + showValue(e.value))
		case absent:
			b.WriteString("-")
		default:
			b.WriteString("?")
		}
		b.WriteString([...]string{orphan: "!", clean: "", dirty: "*", flushing: ">", held: "~", pinned: "^"}[e.place])
		if e.gapEmpty {
			b.WriteString(" -- ")
		} else {
			b.WriteString(" .. ")
		}
	}
	return strings.TrimSpace(b.String())
}

func (s *story) play(input string) string {
	s.log.Reset()
	for line := range strings.Lines(input) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		s.l.Turn(func() {
			for step := range strings.SplitSeq(line, " ; ") {
				s.step(strings.TrimSpace(step))
				s.check(step)
			}
		})
		s.check(line)
		s.l.RunPending()
		s.check(line)
	}
	if s.log.Len() == 0 {
		return "ok\n"
	}
	return s.log.String()
}

// check walks everything that the cache holds.
func (s *story) check(after string) {
	s.t.Helper()
	if err := s.c.check(); err != nil {
		s.t.Fatalf("after %q: %v", strings.TrimSpace(after), err)
	}
}

// end checks that nothing is left behind.
func (s *story) end() {
	s.l.Turn(func() { s.c.Shutdown(nil) })
	for i, c := range s.calls {
		s.l.Turn(func() {
			switch {
			case c.get != nil:
				c.get.Resolve(struct{}{})
			case c.list != nil:
				c.list.Resolve(struct{}{})
			case c.commit != nil:
				c.commit.Reject(errDisk)
			default:
				c.alarm.Resolve(storage.Due{})
			}
		})
		s.check(fmt.Sprintf("the end, #%d", i+1))
	}
	if n := s.lru.Bytes(); n != 0 {
		s.t.Fatalf("%d bytes are left in memory", n)
	}
}

func TestTranscripts(t *testing.T) { playAll(t, "testdata/transcripts") }

// TestCases has one transcript for each behaviour that workerd's cache is tested
// for; conformance/coverage/testdata/actor-cache.txt lists them. What is one message
// inside of a transaction there is a part of one commit here.
func TestCases(t *testing.T) { playAll(t, "testdata/cases") }

// TestSQLiteCases has one for each behaviour that workerd's storage in SQLite is tested
// for, as far as the cache has it; conformance/coverage lists them.
func TestSQLiteCases(t *testing.T) { playAll(t, "testdata/sqlite") }

func playAll(t *testing.T, dir string) {
	datadriven.Walk(t, dir, func(t *testing.T, path string) {
		var s *story
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "new": // a fresh cache, with options
				if s != nil {
					s.end()
				}
				s = newStory(t, d.CmdArgs)
				return s.play(d.Input)
			case "then":
				return s.play(d.Input)
			}
			t.Fatalf("unknown directive %q", d.Cmd)
			return ""
		})
		if s != nil {
			s.end()
		}
	})
}
