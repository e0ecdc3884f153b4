/* The id that a run gets where nobody chose one: when it began (UTC), and four letters of chance.
 */
#ifndef FAILCORE_AUDIT_RUN_ID_H
#define FAILCORE_AUDIT_RUN_ID_H

#define RUN_ID_SIZE 24 /* "20261120-103000-k3x9" */

/* -EIO: no chance or no clock to be had. */
int run_id_make(char ret_id[static RUN_ID_SIZE]);

#endif
