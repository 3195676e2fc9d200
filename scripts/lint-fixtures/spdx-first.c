/* A file without a licence. */
/* A fixture of scripts/lint. */
int number = 1;
