package durable

import (
	"time"

	"github.com/dop251/goja"

	"workerd.local/isolate"
	"workerd.local/webapi/bind"
)

// alarmInfo is an AlarmInvocationInfo; scripts see only its properties.
type alarmInfo struct{}

var alarmInfoClass = &bind.Class[alarmInfo]{Name: "AlarmInvocationInfo"}

// NewAlarmInfo is the argument of alarm(): when the alarm was due, and how many counted
// retries came before this run.
func NewAlarmInfo(js *isolate.JS, due time.Time, retries int) *goja.Object {
	rt := js.Runtime()
	obj := alarmInfoClass.Wrap(js, &alarmInfo{})
	constant(obj, "scheduledTime", rt.ToValue(due.UnixMilli()))
	constant(obj, "retryCount", rt.ToValue(retries))
	constant(obj, "isRetry", rt.ToValue(retries > 0))
	return obj
}
