package inquiry

// AccessStatus says whether a lender or a user may use the service. Only the
// admin command changes it.
type AccessStatus string

const (
	AccessActive    AccessStatus = "ACTIVE"    // from the start, and again after a suspension ends
	AccessSuspended AccessStatus = "SUSPENDED" // every credential is denied
)

// DefaultBatchMax is how many inquiries a lender may put into one batch unless another
// limit was agreed.
const DefaultBatchMax = 250

// DefaultOpenMax is how many inquiries a lender may have open unless another limit was
// agreed: forty batches of the usual size.
const DefaultOpenMax = 40 * DefaultBatchMax

// Lender is an organization that uses the service. The admin command creates and
// changes it. A submitted batch raises BatchCount and Open; a finished one lowers Open.
type Lender struct {
	ID         LenderID
	Name       string
	Status     AccessStatus
	BatchMax   int // maximum number of inquiries in one batch
	BatchCount int // batches ever submitted, which is the most recent one's ordinal

	// Open is how many inquiries its unfinished batches have, including final ones, and
	// OpenMax is how many they may have. OpenMax is never below BatchMax.
	Open, OpenMax int
}

// Room returns how many inquiries the lender may submit now.
func (l Lender) Room() int { return max(l.OpenMax-l.Open, 0) }
