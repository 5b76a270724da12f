"""Letters to customers: drafted in the transaction of what causes them, sent by a job."""
