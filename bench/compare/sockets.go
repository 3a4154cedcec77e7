package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// socketCase is the configuration of the section about WebSockets.
var socketCase = &benchCase{name: "sockets", title: "WebSockets", storage: true, warm: "/"}

// Numbers of the section.
const (
	parkedSockets    = 10_000
	soakRooms        = 1000
	echoSockets      = 32
	echoBytes        = 32
	broadcastSockets = 1000
	broadcastBytes   = 1 << 10
	soakSockets      = 18_000
	// hibernates is after what time without an event an actor has left the memory, 10 s, and
	// the server has had time to give it back.
	hibernates = 20 * time.Second
)

// parkings are in how many rooms the sockets are parked: many in each, where accepting is
// what costs, and few in each, where making the actors does.
var parkings = []int{100, 1000}

// socketRows are the quantities of the section.
type socketRows struct {
	hibernated, plain, broadcast pair
	parked, accepts, work, dials [2]pair // by parkings
	// floor is what a socket takes where the server does nothing with it, floorWork what it
	// takes of that server's CPU time.
	floor, floorWork sample
}

// runSockets measures WebSockets, both servers in turn.
func (b *bench) runSockets(ctx context.Context) ([]promiseRow, error) {
	if b.o.soak > 0 {
		return b.runSoak(ctx)
	}
	var rows socketRows
	if err := measureFloor(ctx, &rows); err != nil {
		return nil, err
	}
	for round := range b.o.rounds {
		subjects, err := b.subjects(socketCase)
		if err != nil {
			return nil, err
		}
		for _, s := range subjects {
			fmt.Fprintf(b.log, "%s, round %d: %s\n", socketCase.title, round+1, s.binaryName())
			if err := b.measureSockets(ctx, s, &rows, round == 0); err != nil {
				return nil, s.failed(err)
			}
		}
	}
	var list []promiseRow
	rate := func(name, unit string, p pair, t target) {
		list = append(list, promiseRow{name: name, unit: unit, values: p.ours})
		if len(p.theirs) > 0 {
			r := promiseRow{name: "beside workerd's", unit: "ratio", target: t}
			for i := range p.ours {
				r.values = append(r.values, p.ours[i]/p.theirs[i])
			}
			list = append(list, r)
		}
	}
	for i, rooms := range parkings {
		list = append(list,
			promiseRow{name: fmt.Sprintf("Memory of a hibernated socket, of %s in %s rooms", thousands(parkedSockets), thousands(int64(rooms))), unit: "KiB", values: rows.parked[i].ours, target: target{atMost: 10}},
			promiseRow{name: "the same of workerd, of as many as its files allow", unit: "KiB", values: rows.parked[i].theirs})
		rate("Accepting them", "sockets/s", rows.accepts[i], target{atLeast: 5})
		rate("CPU time of the server for each", "µs", rows.work[i], target{})
		list = append(list, promiseRow{name: "and of the client", unit: "µs", values: rows.dials[i].ours})
	}
	if len(rows.floor) > 0 {
		list = append(list,
			promiseRow{name: "Accepting as many by a server that reads and writes and does nothing else", unit: "sockets/s", values: rows.floor},
			promiseRow{name: "CPU time of that server for each", unit: "µs", values: rows.floorWork})
	}
	rate(fmt.Sprintf("Echo over %d sockets that may hibernate", echoSockets), "messages/s", rows.hibernated, target{atLeast: 1.5})
	rate(fmt.Sprintf("Echo over %d sockets that may not", echoSockets), "messages/s", rows.plain, target{atLeast: 1.5})
	rate(fmt.Sprintf("Broadcast of 1 KiB to %d sockets", broadcastSockets), "messages/s", rows.broadcast, target{atLeast: 1})
	return list, nil
}

// session runs fn with the process that opens sockets.
func session(ctx context.Context, fn func(d *dialing) error) error {
	d, err := startDialer(ctx)
	if err != nil {
		return err
	}
	return errors.Join(fn(d), d.end())
}

// measureSockets measures one server once.
func (b *bench) measureSockets(ctx context.Context, s *subject, rows *socketRows, park bool) error {
	for i, rooms := range parkings {
		if !park {
			break
		}
		if err := b.park(ctx, s, rooms, &rows.parked[i], &rows.accepts[i], &rows.work[i], &rows.dials[i]); err != nil {
			return err
		}
	}
	return b.talk(ctx, s, rows)
}

// park opens sockets in rooms that hibernate, and looks at what the server needs for them.
func (b *bench) park(ctx context.Context, s *subject, rooms int, memory, rate, work, dials *pair) (err error) {
	if _, err := s.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	u, err := url.Parse(s.url)
	if err != nil {
		return err
	}
	count, err := parkable(s, rooms)
	if err != nil {
		return err
	}
	return session(ctx, func(d *dialing) error {
		before, err := readMemory(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		cpu, err := readCPU(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		r, err := d.do(order{Do: "open", Addr: u.Host, Path: "/room/%d", Count: count, Rooms: rooms, From: 2, PerSource: perSource})
		if err != nil {
			return err
		}
		used, err := readCPU(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		dialed, err := readCPU(d.cmd.Process.Pid)
		if err != nil {
			return err
		}
		dials.add(s, float64(dialed.Microseconds())/float64(r.Count))
		rate.add(s, float64(r.Count)/r.Elapsed.Seconds())
		work.add(s, float64((used-cpu).Microseconds())/float64(r.Count))
		if err := sleep(ctx, hibernates+b.o.settle); err != nil {
			return err
		}
		after, err := readMemory(s.cmd.Process.Pid)
		if err != nil {
			return err
		}
		memory.add(s, float64(after.resident-before.resident)/float64(count)/(1<<10))
		// They are there.
		if r, err = d.do(order{Do: "check"}); err == nil && r.Count != count {
			err = fmt.Errorf("%d of %d sockets answer", r.Count, count)
		}
		return err
	})
}

// measureFloor opens as many sockets at a server that does nothing with them.
func measureFloor(ctx context.Context, rows *socketRows) (err error) {
	f, err := startHelper(ctx, floorFlag)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.end()) }()
	var addr string
	if err := f.out.Decode(&addr); err != nil {
		return fmt.Errorf("the floor ended: %w", err)
	}
	if addr == "" {
		return nil // not on this system
	}
	return session(ctx, func(d *dialing) error {
		r, err := d.do(order{Do: "open", Addr: addr, Path: "/room/%d", Count: parkedSockets, Rooms: parkings[0], From: 2, PerSource: perSource})
		if err != nil {
			return err
		}
		used, err := readCPU(f.cmd.Process.Pid)
		if err != nil {
			return err
		}
		rows.floor = append(rows.floor, float64(r.Count)/r.Elapsed.Seconds())
		rows.floorWork = append(rows.floorWork, float64(used.Microseconds())/float64(r.Count))
		return nil
	})
}

// talk measures how fast messages go to and fro.
func (b *bench) talk(ctx context.Context, s *subject, rows *socketRows) (err error) {
	if _, err := s.start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	u, err := url.Parse(s.url)
	if err != nil {
		return err
	}
	speed := func(p *pair, o, work order) error {
		return session(ctx, func(d *dialing) error {
			if _, err := d.do(o); err != nil {
				return err
			}
			r, err := d.do(work)
			if err == nil {
				p.add(s, float64(r.Count)/r.Elapsed.Seconds())
			}
			return err
		})
	}
	err = speed(&rows.hibernated, order{Do: "open", Addr: u.Host, Path: "/room/e%d", Count: echoSockets, Rooms: 1}, order{Do: "echo", For: b.o.duration, Size: echoBytes})
	if err == nil {
		err = speed(&rows.plain, order{Do: "open", Addr: u.Host, Path: "/plain/p%d", Count: echoSockets, Rooms: 1}, order{Do: "echo", For: b.o.duration, Size: echoBytes})
	}
	if err == nil {
		err = speed(&rows.broadcast, order{Do: "open", Addr: u.Host, Path: "/room/b%d", Count: broadcastSockets, Rooms: 1}, order{Do: "broadcast", For: b.o.duration, Size: broadcastBytes})
	}
	return err
}

// parkable is how many sockets a server can park under the limit of open files: workerd has
// two for each.
func parkable(s *subject, rooms int) (int, error) {
	limit, err := openFiles()
	if err != nil {
		return 0, err
	}
	room := limit - 1000
	if s.name != "ours" {
		room = (room - 6*rooms) / 2 // and some for each actor
	}
	if room < 1 {
		return 0, fmt.Errorf("the hard limit of open files is %d", limit)
	}
	return min(parkedSockets, room), nil
}

// runSoak keeps as many sockets open as the system allows, for as long as it was told, and
// looks whether the memory of this server stays what it is.
func (b *bench) runSoak(ctx context.Context) ([]promiseRow, error) {
	limit, err := openFiles()
	if err != nil {
		return nil, err
	}
	count := min(soakSockets, limit-2000)
	if count < 1 {
		return nil, fmt.Errorf("the hard limit of open files is %d", limit)
	}
	subjects, err := b.subjects(socketCase)
	if err != nil {
		return nil, err
	}
	s := subjects[0]
	if _, err := s.start(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	d, err := startDialer(ctx)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(s.url)
	if err != nil {
		return nil, errors.Join(err, d.end())
	}
	var memory sample
	alive := sample{}
	err = func() error {
		r, err := d.do(order{Do: "open", Addr: u.Host, Path: "/room/%d", Count: count, Rooms: soakRooms, From: 2, PerSource: perSource})
		if err != nil {
			return err
		}
		fmt.Fprintf(b.log, "%d sockets are open after %s\n", r.Count, r.Elapsed.Round(time.Millisecond))
		end := time.Now().Add(b.o.soak)
		for {
			// The last look, too, is at sockets that have hibernated since they were asked.
			if err := sleep(ctx, hibernates+b.o.settle); err != nil {
				return err
			}
			m, err := readMemory(s.cmd.Process.Pid)
			if err != nil {
				return err
			}
			memory = append(memory, mebibytes(m.resident))
			fmt.Fprintf(b.log, "%s left: %.1f MiB\n", max(0, time.Until(end)).Round(time.Second), mebibytes(m.resident))
			if !time.Now().Before(end) {
				break
			}
			if r, err = d.do(order{Do: "check"}); err != nil {
				return err
			}
			alive = append(alive, float64(r.Count))
		}
		return nil
	}()
	if err = errors.Join(err, d.end()); err != nil {
		return nil, s.failed(err)
	}
	// The first look is before every socket has had a message.
	growth := 0.0
	if len(memory) > 2 {
		growth = memory[len(memory)-1] / memory[1]
	}
	return []promiseRow{
		{name: fmt.Sprintf("Sockets of %d that answer, %s long", count, b.o.soak), unit: "sockets", values: alive, target: target{atLeast: float64(count)}},
		{name: "Resident memory meanwhile", unit: "MiB", values: memory},
		{name: "At the end, beside what it was after the first messages", unit: "ratio", values: sample{growth}, target: target{atMost: 1.1}},
	}, nil
}
