package inquiry

// AccessStatus says whether a lender or a user may use the service. Only the
// admin command changes it.
type AccessStatus string

const (
	AccessActive    AccessStatus = "ACTIVE"    // from the start, and again after a resume
	AccessSuspended AccessStatus = "SUSPENDED" // after a suspend; every credential is denied
)

// DefaultBatchMax is how many inquiries a lender may put into one batch when
// nothing else was agreed.
const DefaultBatchMax = 250

// DefaultOpenMax is how many inquiries a lender may have open when nothing else
// was agreed: forty batches of the usual size.
const DefaultOpenMax = 40 * DefaultBatchMax

// Lender is an organisation that uses the service. The admin command creates
// and changes it; submitting a batch raises BatchCount and Open, and its end lowers
// Open.
type Lender struct {
	ID         LenderID
	Name       string
	Status     AccessStatus
	BatchMax   int // inquiries in one batch at the most
	BatchCount int // batches ever submitted; the last one's ordinal

	// Open is how many inquiries its unfinished batches have, final ones
	// included, and OpenMax how many they may have. OpenMax is never below BatchMax.
	Open, OpenMax int
}

// Room is how many inquiries the lender may submit now.
func (l Lender) Room() int { return max(l.OpenMax-l.Open, 0) }
