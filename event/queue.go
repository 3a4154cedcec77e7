package event

import "time"

// QueueBatch is messages of a queue that are delivered together. The outcome has a
// QueueResult.
type QueueBatch struct {
	Queue    string
	Messages []QueueMessage
	Metrics  QueueMetrics
}

// QueueMessage is one message. Body is immutable.
type QueueMessage struct {
	ID   string
	Time time.Time
	Body []byte
	// ContentType is text, bytes, json or v8; empty means v8.
	ContentType string
	// Attempts counts the deliveries, this one included.
	Attempts uint16
}

// QueueMetrics is what waits in a queue. Oldest is zero where that is not known.
type QueueMetrics struct {
	BacklogCount, BacklogBytes float64
	Oldest                     time.Time
}

// QueueResult is what a consumer asks for. Where it says nothing of a message, the
// outcome of the event decides.
type QueueResult struct {
	AckAll bool
	// RetryAll asks for all messages again, after RetryDelay where that is not nil.
	RetryAll   bool
	RetryDelay *int32 // seconds
	// Acks are the ids of messages that are done.
	Acks    []string
	Retries []QueueRetry
}

// QueueRetry asks for one message again, after Delay where that is not nil.
type QueueRetry struct {
	ID    string
	Delay *int32 // seconds
}

func (QueueBatch) isEvent() {}
