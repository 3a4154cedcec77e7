package actor

import (
	"context"

	"workerd.local/actorid"
	"workerd.local/loop"
)

// AlarmsAsked is how many deliveries of alarms an actor has not answered.
func (n *Namespace) AlarmsAsked(ctx context.Context, id actorid.ID) (asked int, err error) {
	h := n.hosts[int(id.Shard())%len(n.hosts)]
	err = loop.Do(ctx, h.loop, func() {
		if c := h.containers[id.Key]; c != nil && c.actor != nil {
			for _, r := range []*alarmRun{c.actor.running, c.actor.next} {
				if r != nil {
					asked += len(r.done)
				}
			}
		}
	})
	return asked, err
}

// Live is the number of actors in memory.
func (n *Namespace) Live(ctx context.Context) (live int, err error) {
	for _, h := range n.hosts {
		err = loop.Do(ctx, h.loop, func() {
			for _, c := range h.containers {
				if c.actor != nil {
					live++
				}
			}
		})
		if err != nil {
			return 0, err
		}
	}
	return live, nil
}
