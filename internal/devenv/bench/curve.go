package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// weights are the arrivals of each hour of a first day, as shares of any unit.
// Between 8:00 and 20:00 a quarter of them fall into the hour of the invitation.
var weights = [24]float64{1, .5, .2, .2, .5, 1, 2, 4, 8, 28, 16, 10, 8, 7, 7, 7, 6, 6, 6, 5, 4, 3, 2, 1}

const (
	invitationHour = 9                // the mail with the link is sent at 9:00
	invitationFade = 20 * time.Minute // in which its effect falls to 1/e
)

// weightAt returns the weight of a minute of the day. The invitation mail makes the
// first minutes of its hour three times as strong as the hour's mean; the whole hour
// keeps its weight.
func weightAt(minute int) float64 {
	w := weights[minute/60%24] / 60
	if minute/60 == invitationHour {
		fade := invitationFade.Minutes()
		w *= 60 / fade / (1 - math.Exp(-60/fade)) * math.Exp(-(float64(minute%60)+.5)/fade)
	}
	return w
}

// Arrivals returns the times of day at which n students arrive between from and to,
// in order. Each student chooses independently, as in reality, so that chance makes
// bursts of its own.
func Arrivals(n int, from, to time.Duration, r *rand.Rand) []time.Duration {
	first, last := int(from.Minutes()), int(to.Minutes())
	until := make([]float64, last-first) // sum of the weights up to the end of each minute
	var sum float64
	for i := range until {
		sum += weightAt(first + i)
		until[i] = sum
	}
	out := make([]time.Duration, n)
	for i := range out {
		minute, _ := slices.BinarySearch(until, r.Float64()*sum)
		out[i] = time.Duration(first+minute)*time.Minute + time.Duration(r.Float64()*float64(time.Minute))
	}
	slices.Sort(out)
	return out
}

// PeakShare returns the largest share of the day's arrivals in one minute.
func PeakShare(from, to time.Duration) float64 {
	var most, sum float64
	for minute := int(from.Minutes()); minute < int(to.Minutes()); minute++ {
		w := weightAt(minute)
		most, sum = max(most, w), sum+w
	}
	return most / sum
}
